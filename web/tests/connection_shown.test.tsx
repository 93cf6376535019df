/** What the page shows and says of its connection, and what a person can do about it. */

import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Readings } from "../src/connection/readings";
import type { ConnectionState } from "../src/connection/state";
import { session, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

const heard = (): string => screen.getByTestId("connection-announced").textContent;

describe("the connection", () => {
  it("shows its state and its round trip", () => {
    const pill = screen.getByTestId("connection");
    expect(pill.dataset["state"]).toBe("idle");
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 0.43 } }));
    expect(pill.dataset["state"]).toBe("connected");
    expect(pill.textContent).toBe("Connected · 0.43 ms");
  });

  it("is dimmed while the server does not answer", () => {
    const pill = screen.getByTestId("connection");
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1, silentMs: 3_004 } }));
    expect(pill.textContent).toBe("No answer for 3 s");
    expect(pill.dataset).toMatchObject({ state: "connected", degraded: "true" });
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1 } }));
    expect(pill.dataset["degraded"]).toBe("false");
  });

  it("shows the way it takes, where it knows it; a relay is no worse than another", () => {
    const pill = screen.getByTestId("connection");
    const connection: ConnectionState = { name: "connected", attempt: 1, failures: 0, rttMs: 12 };
    act(() => store.setState({ connection, path: { local: "relay", remote: "host", protocol: "udp" } }));
    expect(pill.textContent).toBe("Connected · relay/udp · 12 ms");
    expect(pill.dataset).toMatchObject({ state: "connected", degraded: "false", path: "relay/udp" });
    act(() => store.setState({ connection, path: { local: "srflx", remote: "host", protocol: "udp" } }));
    expect(pill.textContent).toBe("Connected · srflx · 12 ms");
  });

  it("says why it is away, that what is written is kept, when it tries again, and can be hurried", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const reason = { code: "internal", detail: "something went wrong here" } as const;
      act(() =>
        store.setState({ connection: { name: "reconnecting", failures: 2, delayMs: 4_200, reason }, nextAttemptAt: 1_004_200 }),
      );
      const notice = screen.getByTestId("notice");
      expect(notice.textContent).toContain("Something went wrong here. What you write is kept, and sent once the connection is back.");
      expect(notice.textContent).toContain("Next attempt in 5 s.");
      act(() => void vi.advanceTimersByTime(3_200));
      expect(notice.textContent).toContain("Next attempt in 1 s.");
      act(() => void vi.advanceTimersByTime(1_000));
      expect(notice.textContent).toContain("Trying again.");
    } finally {
      vi.useRealTimers();
    }
    fireEvent.click(screen.getByText("Try now"));
    expect(session.connect).toHaveBeenCalled();
  });

  it("goes on saying why while it tries, in the same words, so that they are read out once", () => {
    const reason = { code: "timeout", detail: "late", obstacle: "relay_unreachable" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 200, reason } }));
    const said = heard();
    expect(said).toContain("try another network");
    expect(screen.getByTestId("notice").textContent).toContain(said);
    act(() => store.setState({ connection: { name: "signaling", attempt: 2, failures: 1, reason } }));
    expect(heard()).toBe(said);
  });

  it("without a network says so at once where it is lost", () => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle: "unreachable" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 200, reason }, online: false }));
    expect(screen.getByTestId("connection").textContent).toBe("Offline");
    expect(screen.getByTestId("notice").textContent).toContain("This device is offline; what you write is kept");
    expect(heard()).toContain("This device is offline");
  });

  it("says nothing of a first loss that mends at once", () => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle: "unreachable" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 200, reason } }));
    expect(screen.queryByTestId("notice")).toBeNull();
  });

  it.each([
    ["superseded", "Take it back", "taken this conversation over"],
    ["unauthorised", "Try again", "open the link you were given again"],
  ] as const)("that has ended for good (%s) says what to do, and does it on a click", (code, button, words) => {
    act(() => store.setState({ connection: { name: "failed", reason: { code, detail: "as the server put it" } } }));
    expect(screen.getByTestId("notice").textContent).toContain(words);
    expect(heard()).toContain(words);
    fireEvent.click(screen.getByText(button));
    expect(session.connect).toHaveBeenCalled();
  });

  it("to a server that needs a newer page offers to load it, even while the old channel serves", () => {
    const reload = vi.spyOn(location, "reload").mockImplementation(() => {});
    const move = { name: "refused", reason: { code: "unsupported_version", detail: "no" } } as const;
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1, move } }));
    fireEvent.click(screen.getByText("Reload"));
    expect(reload).toHaveBeenCalled();
    expect(session.connect).not.toHaveBeenCalled();
  });

  it("that is about to end says so quietly", () => {
    const regions = screen.getAllByRole("status");
    act(() => store.setState({ signInEnds: 5 }));
    expect(screen.queryByRole("alert")).toBeNull();
    const notice = within(screen.getByTestId("notice"));
    expect(regions).toContain(screen.getByTestId("notice").parentElement);
    expect(screen.getByTestId("notice").querySelector("p")?.textContent).toBe("Your sign-in ends in 5 minutes; open a new link to stay connected.");
    fireEvent.click(notice.getByText("Dismiss"));
    expect(session.dismissSignIn).toHaveBeenCalled();
  });
});

describe("without sight", () => {
  it("a person hears, once each, that the server does not answer and that it does again", () => {
    const connection: ConnectionState = { name: "connected", attempt: 1, failures: 0, rttMs: 1 };
    act(() => store.setState({ connection: { ...connection, silentMs: 3_000 } }));
    expect(heard()).toBe("The server does not answer.");
    act(() => store.setState({ connection: { ...connection, silentMs: 6_000 } }));
    expect(heard()).toBe("The server does not answer.");
    const reason = { code: "timeout", detail: "late" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 1, reason } }));
    expect(heard()).toBe("");
    act(() => store.setState({ connection }));
    expect(heard()).toBe("Connected.");
    act(() => store.setState({ connection: { ...connection, rttMs: 9 } }));
    expect(heard()).toBe("Connected.");
  });

  it.each([true, false])("a notice's button that goes passes its focus on to the composer, if it has it: %s", (had) => {
    const reason = { code: "superseded", detail: "another tab" } as const;
    act(() => store.setState({ connection: { name: "failed", reason }, notice: { code: "internal", detail: "went wrong" } }));
    if (had) screen.getByText("Take it back").focus();
    else screen.getByText("Dismiss").focus();
    act(() => store.setState({ connection: { name: "signaling", attempt: 2, failures: 0, reason: null } }));
    expect(document.activeElement).toBe(had ? screen.getByTestId("composer") : screen.getByText("Dismiss"));
  });
});


describe("a relay that is forced and cannot be had", () => {
  it("is said while the old channel serves, and is let go of at a click", () => {
    const reason = { code: "connect_failed", detail: "no", obstacle: "no_relay_offered", relayOnly: true } as const;
    const move = { name: "refused", reason } as const;
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1, move }, relayOnly: true }));
    expect(screen.getByTestId("notice").textContent).toMatch(/Only a relay may be used .* set up TURN/);
    expect(heard()).toMatch(/set up TURN/);
    expect(screen.getByTestId("connection").dataset["state"]).toBe("connected");
    fireEvent.click(screen.getByText("Allow any way"));
    expect(session.line.setRelayOnly.mock.calls).toEqual([[false]]);
  });
});

describe("the details of the connection", () => {
  const readings: Readings = {
    ice: "connected",
    local: { type: "relay", protocol: "tcp", address: "203.0.113.7:49152" },
    remote: { type: "host", protocol: "udp", address: null },
    bufferedBytes: 1_200,
    sentBytes: 34_500,
    receivedBytes: 2_000_000,
    rttMs: 11.6,
  };
  const fact = (name: string): string => screen.getByText(name).parentElement?.querySelector("dd")?.textContent ?? "";

  // As the browser does it when the pill is clicked; happy-dom has no popovers.
  async function open(isOpen = true): Promise<void> {
    const newState = isOpen ? "open" : "closed";
    for (const type of ["beforetoggle", "toggle"]) {
      const event = Object.assign(new Event(type), { newState });
      await act(async () => screen.getByTestId("connection-details").dispatchEvent(event));
    }
  }

  it("are asked of the browser only while they are shown", async () => {
    vi.useFakeTimers();
    try {
      await act(() => vi.advanceTimersByTimeAsync(10_000));
      expect(session.line.inspect).not.toHaveBeenCalled();
      await open();
      await act(() => vi.advanceTimersByTimeAsync(2_000));
      expect(session.line.inspect).toHaveBeenCalledTimes(3);
      await open(false);
      await act(() => vi.advanceTimersByTimeAsync(10_000));
      expect(session.line.inspect).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it("tell the way, the candidates, what is buffered and sent, whose it is, and the model", async () => {
    session.line.inspect.mockResolvedValue({ attempts: 4, readings });
    act(() =>
      store.setState({
        connection: { name: "connected", attempt: 4, failures: 0, rttMs: 12 },
        path: { local: "relay", remote: "host", protocol: "tcp" },
        connectMs: 34.2,
        entered: { session: "s1", ownerName: "ada" },
        model: { type: "model.status", state: "ready", name: "qwen2.5-7b-instruct", stand_in: false },
      }),
    );
    await open();
    const names = ["Path", "Round trip", "ICE", "Local candidate", "Remote candidate", "Buffered", "Sent / received"];
    expect(names.map(fact)).toEqual([
      "relay/tcpthrough a relay",
      "12 ms12 ms by ICE",
      "connected",
      "relay/tcp203.0.113.7:49152",
      "host/udpaddress hidden",
      "1.2 kB",
      "34.5 kB / 2.0 MB",
    ]);
    expect(["Attempts", "Set up in", "Session", "Signed in as", "Model"].map(fact)).toEqual([
      "4",
      "34 ms",
      "s1",
      "ada",
      "qwen2.5-7b-instructready",
    ]);
  });

  it("say what is not known, and that a change is under way", async () => {
    const move = { name: "signaling", attempt: 2, failures: 0 } as const;
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: null, move } }));
    await open();
    expect(fact("Local candidate")).toBe("not known");
    expect(screen.getByTestId("connection-progress").textContent).toContain("Changing to a new connection");
  });

  it("copy the session, or say that the browser does not allow it", async () => {
    const writeText = vi.fn<(text: string) => Promise<void>>().mockResolvedValueOnce().mockRejectedValueOnce(new Error("no"));
    vi.spyOn(navigator, "clipboard", "get").mockReturnValue({ writeText } as unknown as Clipboard);
    act(() => store.setState({ entered: { session: "s1", ownerName: "ada" } }));
    await open();
    const copy = async (): Promise<void> => act(async () => void fireEvent.click(screen.getByLabelText("Copy the session")));
    await copy();
    expect(writeText).toHaveBeenCalledWith("s1");
    expect(screen.getByText("Copied")).toBeTruthy();
    await copy();
    expect(screen.getByText(/does not allow/)).toBeTruthy();
  });

  it("let a developer force the relay, and drop the connection where there is one", async () => {
    await open();
    const drop = screen.getByTestId<HTMLButtonElement>("drop-connection");
    expect(drop.disabled).toBe(true);
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1 } }));
    fireEvent.click(drop);
    expect(session.line.drop).toHaveBeenCalledTimes(1);
    fireEvent.click(screen.getByTestId("force-relay"));
    expect(session.line.setRelayOnly.mock.calls).toEqual([[true]]);
    expect(screen.getByTestId<HTMLInputElement>("force-relay").checked).toBe(true);
  });
});
