(() => {
  // Pages lie side by side, below whatever prefix a proxy has put in front.
  const address = new URL("latent/user", new URL(".", location.href));
  let known = null;

  async function look() {
    if (document.hidden) return;
    // Where a proxy leads to its own page to sign in, that is an answer, and not to be followed.
    const options = { cache: "no-store", redirect: "manual" };
    let name = null;
    try {
      const answer = await fetch(address, options);
      if (answer.status >= 500) return; // the server is being restarted
      if (answer.ok) name = await answer.text();
    } catch {
      return; // no network, or the page is being left
    }
    if (known !== null && name !== known) location.reload();
    known = name;
  }

  look();
  setInterval(look, 60_000);
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
})();
