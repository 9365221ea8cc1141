// The result page: switch between the views of an image and between its heatmaps in place, and lay the heatmap over the
// original as strongly as the reader wants. Without this module every view and every heatmap is a link.
for (const viewer of document.querySelectorAll(".viewer")) enhance(viewer);

function enhance(viewer) {
  const frame = viewer.querySelector(".viewer-frame");
  const first = frame.querySelector("img");
  const views = [...viewer.querySelectorAll("a[data-view]")];
  const labels = [...viewer.querySelectorAll("a[data-label]")];
  const opacity = viewer.querySelector(".opacity");
  const slider = opacity?.querySelector("input");
  const heatmapName = viewer.querySelector(".heatmap-name");
  const missing = viewer.querySelector(".viewer-missing");
  const pictures = new Map();
  const source = Object.fromEntries(views.map((link) => [link.dataset.view, new URL(link.dataset.src, location)]));
  let shownView = viewer.dataset.view;

  const isMapped = (view) => source[view].searchParams.has("label");

  // With a slider, the overlay is the heatmap over the original rather than the picture that the server blended.
  function layers(view) {
    return view === "overlay" && opacity ? ["original", "heatmap"] : [view];
  }

  function picture(view) {
    const address = source[view].href;
    if (!pictures.has(address)) {
      const image = first.cloneNode();
      image.alt = `${viewer.dataset.title}: ${view}${isMapped(view) ? ` for ${heatmapName.textContent}` : ""}`;
      image.addEventListener("error", () => { missing.hidden = false; });
      image.src = address;
      pictures.set(address, image);
    }
    return pictures.get(address);
  }

  function show(view) {
    shownView = view;
    const shown = layers(view).map(picture);
    const top = shown.at(-1);
    const isOverlay = shown.length > 1;
    frame.replaceChildren(...shown);
    pictures.forEach((image) => { image.style.opacity = ""; });
    top.classList.toggle("is-layer", isOverlay);
    if (isOverlay) top.style.opacity = slider.value / 100;
    if (opacity) opacity.hidden = !isOverlay;
    mark(views, (link) => link.dataset.view === view);
  }

  function showHeatmap(chosen) {
    Object.keys(source).filter(isMapped).forEach((view) => source[view].searchParams.set("label", chosen.dataset.label));
    heatmapName.textContent = chosen.textContent;
    mark(labels, (link) => link === chosen);
    show(isMapped(shownView) ? shownView : "overlay");
  }

  slider?.addEventListener("input", () => { picture("heatmap").style.opacity = slider.value / 100; });
  onClick(views, (link) => show(link.dataset.view));
  onClick(labels, showHeatmap);
  show(shownView);
}

function mark(links, isCurrent) {
  links.forEach((link) => (isCurrent(link) ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
}

function onClick(links, act) {
  links.forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    act(link);
  }));
}
