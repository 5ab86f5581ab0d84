// Starts the API reference. Every resource comes from this host.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// The token outlives a reload of the page, and ends with the tab.
const AUTHORIZED = "souk.docs.authorized";
const saving = (original, system) => (payload) => {
  const result = original(payload);
  sessionStorage.setItem(AUTHORIZED, JSON.stringify(system.authSelectors.authorized()));
  return result;
};
const KeepToken = () => ({ statePlugins: { auth: { wrapActions: { authorize: saving, logout: saving } } } });

const ui = SwaggerUIBundle({
  dom_id: "#docs",
  url: "/api/v1/openapi.json",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  filter: true,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [KeepToken],
  syntaxHighlight: { activated: true },
  tryItOutEnabled: true,
  onComplete: () => {
    const authorized = JSON.parse(sessionStorage.getItem(AUTHORIZED) ?? "{}");
    if (Object.keys(authorized).length > 0) ui.authActions.authorize(authorized);
  },
});
