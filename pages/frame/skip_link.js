(() => {
  const link = document.querySelector(".skip-link");
  const plot = () =>
    [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
      .map(({ shadowRoot }) => shadowRoot?.querySelector(".lp-overlay"))
      .find(Boolean);

  link.addEventListener("focus", () => {
    link.textContent = plot() ? "To the panels" : "To the page";
  });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    (plot() ?? document.querySelector(".stMain"))?.focus();
  });
})();
