/** What the page says of the language model, and what to do about it. */

import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { ModelState, ModelStatus } from "../src/connection/protocol";
import { modelWords } from "../src/ui/model_words";
import { completed } from "./samples";
import { end, say, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

function tell(state: ModelState, more: Partial<ModelStatus> = {}): void {
  act(() => store.setState({ model: { type: "model.status", state, name: null, stand_in: false, ...more } }));
}

const chip = (): HTMLElement | null => screen.queryByTestId("model");
const notice = (): string | null => screen.queryByTestId("notice")?.textContent ?? null;

describe("the model", () => {
  it("that is ready is named, and no more is said", () => {
    expect(chip()).toBeNull();
    tell("ready", { name: "qwen2.5-7b-instruct" });
    expect(chip()?.textContent).toBe("qwen2.5-7b-instruct");
    expect(chip()?.dataset).toMatchObject({ state: "ready", tone: "good" });
    expect(notice()).toBeNull();
  });

  it.each([
    ["loading", "Model is loading", /Requests wait/, /by itself/],
    ["not_loaded", "No model loaded", /change nothing/, /Load a model in LM Studio/],
    ["unreachable", "No LM Studio", /change nothing/, /http:\/\/localhost:1234/],
    ["no_agent", "No agent is running", /kept, and answered once/, /make up/],
  ] as const)("that is %s is said to be, with what that means and what to do", (state, label, means, toDo) => {
    tell(state);
    expect(chip()?.textContent).toBe(label);
    expect(notice()).toContain(label);
    expect(notice()).toMatch(means);
    expect(modelWords({ type: "model.status", state, name: null, stand_in: false }, null)?.toDo.join(" ")).toMatch(toDo);
    expect(screen.getByRole("button", { name: "What to do" }).getAttribute("popovertarget")).toBe("model-details");
    expect(screen.getByTestId("notice").parentElement?.getAttribute("role")).toBe("status");
  });

  it("that is a stand-in is never taken for a model, and how to use a real one is said", async () => {
    tell("ready", { name: "stand-in-for-qwen2.5", stand_in: true });
    expect(chip()?.textContent).toBe("stand-in model");
    expect(notice()).toBeNull();
    const opened = Object.assign(new Event("beforetoggle"), { newState: "open" });
    await act(async () => screen.getByTestId("model-details").dispatchEvent(opened));
    expect(screen.getByTestId("model-details").textContent).toMatch(/no language model.*Install LM Studio/s);
  });

  it("is the one of the newest receipt while the server has said nothing", () => {
    say("t1", "x");
    end(completed("t1", { receipt: { model: { name: "stand-in-for-qwen2.5", calls: 1 } } }));
    expect(chip()?.textContent).toBe("stand-in model");
    tell("ready", { name: "qwen2.5-7b-instruct" });
    expect(chip()?.textContent).toBe("qwen2.5-7b-instruct");
  });

  it("whose notice is put away is said to be wanting again only when that is news", () => {
    tell("unreachable");
    fireEvent.click(screen.getByText("Dismiss"));
    tell("unreachable");
    expect(notice()).toBeNull();
    tell("loading");
    expect(notice()).toContain("loading");
    tell("unreachable");
    expect(notice()).toContain("No LM Studio");
  });
});
