import { use, type ReactNode } from "react";

import { nextTheme, type Theme } from "../store/preferences";
import { useAgentState, usePrefer } from "./agent";
import { ConnectionPill } from "./ConnectionPill";
import { Icon, Mark, type IconName } from "./icons";
import { KeyboardContext, useKey } from "./keyboard";
import { ModelChip } from "./ModelChip";
import { texts } from "./texts";
import { isStandIn } from "./words";

export function Header(): ReactNode {
  return (
    <header className="header">
      <div className="title">
        <Mark />
        <div className="name">
          <h1>{texts.app.title}</h1>
          <ModelChip />
        </div>
      </div>
      <ConnectionPill />
      <div className="header-tools">
        <ThemeButton />
        <HelpButton />
      </div>
    </header>
  );
}

/** A model's name as a receipt shows it. */
export function ModelName({ name }: { readonly name: string }): ReactNode {
  return isStandIn(name) ? (
    <span className="model model-standin" title={name}>
      {texts.model.standIn}
    </span>
  ) : (
    <span className="model" title={name}>
      {name}
    </span>
  );
}

const THEME_ICONS: Readonly<Record<Theme, IconName>> = { auto: "auto", light: "sun", dark: "moon" };

function ThemeButton(): ReactNode {
  const theme = useAgentState((state) => state.preferences.theme);
  const prefer = usePrefer();
  const turn = (): void => prefer({ theme: nextTheme(theme) });
  useKey("theme", turn);
  const label = texts.app.theme[theme];
  return (
    <button type="button" className="icon-button" data-testid="theme" data-theme-is={theme} aria-label={label} title={label} onClick={turn}>
      <Icon name={THEME_ICONS[theme]} />
    </button>
  );
}

function HelpButton(): ReactNode {
  const keyboard = use(KeyboardContext);
  return (
    <button
      type="button"
      className="icon-button"
      data-testid="help"
      aria-label={texts.app.help}
      title={texts.app.help}
      onClick={() => keyboard.press("help")}
    >
      <Icon name="help" />
    </button>
  );
}
