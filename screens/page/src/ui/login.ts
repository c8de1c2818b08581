/** The login view. */
import { ApiError, logIn } from "../data/api";
import { button, fill, h } from "./dom";
import { lang, locale, setLang, t } from "./i18n";

/** Show the form until somebody is logged in. */
export function login(root: HTMLElement): Promise<void> {
  return new Promise((done) => {
    const draw = () => {
      const user = h("input", { attrs: { id: "user", name: "user", autocomplete: "username", required: true } });
      const password = h("input", {
        attrs: { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true },
      });
      const wrong = h("p", { class: "login-wrong", attrs: { role: "alert" } });
      const form = h(
        "form",
        {
          class: "login-form",
          on: {
            submit: (event) => {
              event.preventDefault();
              fill(wrong);
              logIn(user.value, password.value).then(done, (error: unknown) => {
                const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
                const said = error instanceof ApiError ? error.message : t("login.away");
                fill(wrong, refused ? t("login.wrong") : said);
                password.select();
              });
            },
          },
        },
        h("p", { class: "login-brand" }, lang() === "zh" ? "龙港" : "Longgang"),
        h("h1", {}, t("app.name")),
        h("label", { attrs: { for: "user" } }, t("login.user")),
        user,
        h("label", { attrs: { for: "password" } }, t("login.password")),
        password,
        wrong,
        h("button", { class: "primary", attrs: { type: "submit" } }, t("login.go")),
        button(
          lang() === "zh" ? "English" : "中文",
          () => {
            setLang(lang() === "zh" ? "en" : "zh");
            draw();
          },
          "quiet",
        ),
      );
      document.documentElement.lang = locale();
      fill(root, h("main", { class: "login" }, form));
      user.focus();
    };
    draw();
  });
}
