// The upload form: drag and drop, previews, removal, early word of files that the server would refuse, and a pending
// state while the server works. Without this module the form works as a plain form.
const form = document.querySelector("form.upload");
const input = form.querySelector("#images");
const camera = form.querySelector("#camera");
const dropzone = form.querySelector(".dropzone");
const previews = form.querySelector(".previews");
const fileError = form.querySelector(".file-error");
const button = form.querySelector("button[type=submit]");
const pendingWords = form.querySelector(".pending-words");
const limits = {
  files: Number(form.dataset.maxFiles),
  bytes: Number(form.dataset.maxBytes),
  total: Number(form.dataset.maxTotal),
};
const restWords = button.textContent;
let chosen = [];

function sizeInWords(bytes) {
  if (bytes < 1048576) return `${Math.ceil(bytes / 1024)} KB`;
  return `${(bytes / 1048576).toFixed(1).replace(/\.0$/, "")} MB`;
}

// By type or by the end of the name, as the file input itself does: browsers do not know the type of every image. Of what
// they know nothing about, as of most DICOM files, whose names end in anything, the server decides by its content.
function isAccepted(file) {
  if (file.type === "") return true;
  const name = file.name.toLowerCase();
  return input.accept.split(",").some((one) => (one.startsWith(".") ? name.endsWith(one) : file.type === one));
}

function refusal(file) {
  if (!isAccepted(file)) return `${file.name}: this is not a ${form.dataset.formats} image.`;
  if (file.size === 0) return `${file.name}: the file is empty.`;
  if (file.size > limits.bytes) return `${file.name}: the file is larger than ${sizeInWords(limits.bytes)}.`;
  return "";
}

function tell(message) {
  fileError.textContent = message;
  fileError.hidden = !message;
}

function isSame(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}

function add(files) {
  const refused = files.map(refusal).filter(Boolean);
  const fresh = files.filter((file) => !refusal(file) && !chosen.some((other) => isSame(file, other)));
  const room = limits.files - chosen.length;
  if (fresh.length > room) refused.push(`A study holds at most ${limits.files} images; the others were left out.`);
  chosen = chosen.concat(fresh.slice(0, room));
  const total = chosen.reduce((sum, file) => sum + file.size, 0);
  if (total > limits.total) refused.push(`Together the images are ${sizeInWords(total)}; at most ${sizeInWords(limits.total)} can be sent.`);
  tell(refused.join(" "));
  show();
}

function remove(index) {
  chosen.splice(index, 1);
  tell("");
  show();
  (previews.querySelectorAll("button")[Math.min(index, chosen.length - 1)] ?? input).focus();
}

// The file input is what the form sends: it always holds exactly the chosen files.
function show() {
  const transfer = new DataTransfer();
  chosen.forEach((file) => transfer.items.add(file));
  input.files = transfer.files;
  camera.value = "";
  previews.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  previews.replaceChildren(...chosen.map(preview));
}

function placeholder(file) {
  const words = document.createElement("span");
  words.className = "preview-type";
  words.textContent = file.name.includes(".") ? file.name.split(".").pop().toUpperCase() : "Image";
  return words;
}

function preview(file, index) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = URL.createObjectURL(file);
  image.alt = "";
  // Browsers show no TIFF and few show HEIC: then the end of the name stands in the picture's place.
  image.addEventListener("error", () => image.replaceWith(placeholder(file)));
  const name = document.createElement("span");
  name.className = "preview-name";
  name.textContent = file.name;
  name.title = file.name;
  const size = document.createElement("span");
  size.className = "hint";
  size.textContent = sizeInWords(file.size);
  const removal = document.createElement("button");
  removal.type = "button";
  removal.className = "button small";
  removal.textContent = "Remove";
  removal.setAttribute("aria-label", `Remove ${file.name}`);
  removal.addEventListener("click", () => remove(index));
  item.append(image, name, size, removal);
  return item;
}

function rest() {
  button.disabled = false;
  button.textContent = restWords;
  pendingWords.textContent = "";
}

input.addEventListener("change", () => add([...input.files]));
camera.addEventListener("change", () => add([...camera.files]));

form.querySelector(".drop-words").hidden = false;
for (const kind of ["dragenter", "dragover"]) {
  dropzone.addEventListener(kind, (event) => {
    event.preventDefault();
    dropzone.classList.add("is-over");
  });
}
for (const kind of ["dragleave", "drop"]) dropzone.addEventListener(kind, () => dropzone.classList.remove("is-over"));
dropzone.addEventListener("drop", (event) => {
  event.preventDefault();
  add([...event.dataTransfer.files]);
});

form.addEventListener("submit", (event) => {
  if (chosen.length === 0) {
    event.preventDefault();
    tell("Choose at least one image.");
    input.focus();
    return;
  }
  button.disabled = true;
  button.textContent = "Analysing…";
  pendingWords.textContent = "The images are sent and analysed; the result opens by itself.";
});
// The page may come back from the browser's memory with the button still disabled.
window.addEventListener("pageshow", (event) => event.persisted && rest());

// Files that the browser kept over a reload.
if (input.files.length) add([...input.files]);
