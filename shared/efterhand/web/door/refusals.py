"""What each reason for not taking an event means, and what to do about it."""

from dataclasses import dataclass

from efterhand.web.door.words import Words


@dataclass(frozen=True)
class Advice:
    """What a reason is called, and what to do about it."""

    name: str
    do: str


def advice_on(words: Words) -> dict[str, Advice]:
    """Return the advice for every reason, by code."""
    text = words.text
    put_right = text("Rätta i källan, som sedan skickar händelsen på nytt.")
    return {
        "not_json": Advice(
            text("Texten går inte att läsa som JSON"),
            text("Rätta programmet som skriver händelserna, och skicka igen."),
        ),
        "not_cloudevents": Advice(
            text("Höljet är inte en CloudEvent"), text("Rätta höljet: specversion, id, source, type och time.")
        ),
        "identity_number": Advice(
            text("Innehåller ett personnummer"),
            text("Byt numret mot pseudonymen i källan, och skicka igen. Numret har inte sparats här."),
        ),
        "unknown_type": Advice(
            text("Okänd sorts händelse"), text("Rätta type till en av dem som dokumentationen har.")
        ),
        "unknown_schema": Advice(text("Okänd version"), text("Rätta dataschema, eller utelämna det.")),
        "missing_field": Advice(text("En uppgift saknas"), put_right),
        "unknown_field": Advice(text("En uppgift för mycket"), text("Ta bort uppgiften i källan, och skicka igen.")),
        "wrong_value": Advice(text("En uppgift har fel form"), put_right),
        "time_in_future": Advice(text("Registrerad framåt i tiden"), text("Rätta källans klocka, och skicka igen.")),
        "on_too_early": Advice(text("Dagen ligger före 1990"), put_right),
        "on_in_future": Advice(
            text("Dagen ligger framåt i tiden"), text("Rätta dagen, eller vänta till den och skicka igen.")
        ),
        "age_out_of_range": Advice(text("Åldern är orimlig"), put_right),
        "unknown_code": Advice(
            text("En kod som katalogen saknar"),
            text("Rätta koden i källan, eller lägg till den i katalogen: då prövas händelsen igen av sig själv."),
        ),
        "source_not_allowed": Advice(
            text("Avsändaren får inte skicka för källan"), text("Kontrollera vilken nyckel källan skickar med.")
        ),
        "person_erased": Advice(
            text("Personen är raderad"), text("Inget mer tas emot om personen. Sluta skicka för den pseudonymen.")
        ),
        "conflict": Advice(
            text("Samma id finns redan med annat innehåll"),
            text("Det som kom först gäller. Skicka rättelsen som en ny händelse med ett nytt id."),
        ),
    }
