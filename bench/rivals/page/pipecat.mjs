/**
 * The rival's page: pipecat's own client, its transport as published, and the devices of a page that has none.
 *
 * `connectPipecat(iceServers)` connects. What the client tells its application goes to `window.__ruler`.
 */

import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";

// Their own media managers ask for a microphone, and one loads a program from a server of theirs.
const withoutDevices = {
  supportsScreenShare: false,
  isMicEnabled: false,
  isCamEnabled: false,
  isSharingScreen: false,
  selectedMic: {},
  selectedCam: {},
  selectedSpeaker: {},
  setUserAudioCallback() {},
  setClientOptions() {},
  async initialize() {},
  async connect() {},
  async disconnect() {},
  enableMic() {},
  enableCam() {},
  enableScreenShare() {},
  tracks: () => ({ local: {} }),
};

window.connectPipecat = (iceServers = []) => {
  const transport = new SmallWebRTCTransport({
    iceServers,
    mediaManager: withoutDevices,
    webrtcRequestParams: { endpoint: `${location.origin}/api/offer` },
  });
  const client = new PipecatClient({
    transport,
    enableMic: false,
    enableCam: false,
    callbacks: {
      onTransportStateChanged: (state) => window.__ruler.tell(state),
      onDisconnected: () => window.__ruler.tell("onDisconnected"),
      onBotDisconnected: () => window.__ruler.tell("onBotDisconnected"),
    },
  });
  window.__client = client;
  return client.connect();
};
