import type { ReactNode } from "react";

import { modelInUse } from "../store/turns";
import { useAgentState } from "./agent";
import { modelWords, type ModelWords } from "./model_words";
import { usePopover } from "./popover";
import { texts } from "./texts";

export const MODEL_DETAILS_ID = "model-details";

/** What the model is in the words for people; null while nothing is known of it. */
export function useModelWords(): ModelWords | null {
  const status = useAgentState((state) => state.model);
  const named = useAgentState((state) => modelInUse(state.log)?.name ?? null);
  return modelWords(status, named);
}

/** The model's name, or what is wrong with it; at a click what that means and what to do. */
export function ModelChip(): ReactNode {
  const model = useModelWords();
  const state = useAgentState((agent) => agent.model?.state);
  const { ref, isOpen } = usePopover();
  return (
    <>
      {model !== null && (
        <button
          type="button"
          className="model-chip"
          data-testid="model"
          data-state={state}
          data-tone={model.tone}
          aria-label={texts.model.label(model.label)}
          aria-haspopup="dialog"
          aria-expanded={isOpen}
          title={model.label}
          popoverTarget={MODEL_DETAILS_ID}
        >
          <span className="model-name">{model.label}</span>
        </button>
      )}
      <div
        id={MODEL_DETAILS_ID}
        ref={ref}
        popover="auto"
        role="dialog"
        aria-label={texts.connection.details.model}
        className="popover model-details"
        data-testid="model-details"
      >
        {model !== null && isOpen && (
          <>
            <h2>{model.title}</h2>
            <p>{model.says}</p>
            {model.toDo.length > 0 && <h3>{texts.model.whatToDo}</h3>}
            <ol className="to-do-now">
              {model.toDo.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
            {model.isWanting && <p className="quiet">{texts.model.handWorks}</p>}
          </>
        )}
      </div>
    </>
  );
}
