// What the pages do better with a script; without it everything works by forms and links.
"use strict";

// "Select all on this page": without a new page, and back again.
for (const link of document.querySelectorAll("[data-select-all]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const boxes = [...link.closest("form").querySelectorAll("input[name=ref]")];
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !all;
  });
}

// One key chooses an answer, Enter saves it. Whoever uses other single keys can switch this off.
const told = document.querySelector("[data-keys]");
if (told) {
  const STORED = "efterhand-keys";
  const options = new Map([...document.querySelectorAll("input[data-press]")].map((each) => [each.dataset.press, each]));
  const isOn = () => localStorage.getItem(STORED) !== "off";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  const sentence = document.createElement("span");
  told.append(sentence, " ", button);

  const show = () => {
    sentence.textContent = isOn() ? told.dataset.on : told.dataset.off;
    button.textContent = isOn() ? told.dataset.turnOff : told.dataset.turnOn;
    for (const key of document.querySelectorAll(".option kbd")) key.hidden = !isOn();
  };
  button.addEventListener("click", () => {
    localStorage.setItem(STORED, isOn() ? "off" : "on");
    show();
  });
  document.addEventListener("keydown", (event) => {
    const option = options.get(event.key);
    const writes = event.target.matches("input:not([type=radio]), select, textarea");
    if (!option || !isOn() || writes || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    option.checked = true;
    option.focus();
  });
  told.hidden = false;
  show();
}
