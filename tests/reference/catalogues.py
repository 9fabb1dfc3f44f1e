"""Which protocols and indicators a municipality has."""

from tests.reference.checks import PROTOCOLS, WHILE_IN_A_MEASURE
from tests.reference.figures import INDICATORS

STOCKHOLM_PROTOCOLS = tuple(each for each in PROTOCOLS if each not in WHILE_IN_A_MEASURE)
STOCKHOLM_INDICATORS = tuple(each for each in INDICATORS if not each.startswith("livelihood_of_"))

NACKA_PROTOCOLS = ("offer_90d", "plan_5d", "occupation_6m", "assistance_7m", *WHILE_IN_A_MEASURE)
"""What is not about kinds of measures that only Stockholm has."""

NACKA_INDICATORS = (
    "closed_12m",
    "self_sufficient_6m",
    "self_sufficient_6m_youth",
    "self_sufficient_6m_livelihood",
    "self_sufficient_6m_other_authority",
    "offer_90d",
    "plan_5d",
    "closed_to_livelihood",
    "closed_to_studies",
    "closed_to_studies_20_29",
    "guidance_share",
    "guidance_share_16_29",
    "unique_persons",
    "persons_by_target_group",
    "occupation_6m_livelihood",
    "youth_duration",
    "long_assistance_duration",
    "days_to_livelihood",
    "livelihood_of_ended",
    "livelihood_of_served",
)
"""What is not about target groups or kinds of measures that only Stockholm has."""
