// The console works without this file. It does two things: it signs in whoever comes by the link of the start-up log, and it keeps
// the parts of a page that are marked data-live up to date.
(() => {
  'use strict';

  // The token stands behind the #, which browsers keep to themselves; it leaves the address at once.
  const token = /^#token=([!-~]+)$/.exec(location.hash);
  if (token) {
    history.replaceState(null, '', location.pathname + location.search);
    const form = document.querySelector('form[data-token-form]');
    if (form) {
      form.elements.token.value = decodeURIComponent(token[1]);
      form.submit();
    }
    return;
  }

  const parts = document.querySelectorAll('[data-live]');
  if (parts.length === 0) return;

  const every = 5000;
  let paused = false;

  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet live';
  const label = () => { button.textContent = paused ? 'Live updates are off' : 'Live'; button.setAttribute('aria-pressed', String(!paused)); };
  button.addEventListener('click', () => { paused = !paused; label(); });
  label();
  document.querySelector('main h1').after(button);

  // Not while nobody looks, and not under the hands of somebody who is in there.
  const welcome = () => !paused && !document.hidden && ![...parts].some(part => part.contains(document.activeElement) || part.querySelector('details[open]'));

  const refresh = async () => {
    if (welcome()) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'error' });
        if (answer.ok) {
          const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
          // Asked again: somebody may have come in while the answer was on its way.
          for (const part of welcome() ? document.querySelectorAll('[data-live]') : []) {
            const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
            if (next) part.replaceChildren(...next.childNodes);
          }
        }
      } catch {
        // The worker may be away for a moment; the next round asks again.
      }
    }
    setTimeout(refresh, every);
  };
  setTimeout(refresh, every);
})();
