// Generated from packages/contracts by web/generate_protocol.py. Do not edit: run the script again.

import * as v from "valibot";

export const PROTOCOL_VERSION = 1;
export const CHANNEL_LABEL = "agent";
export const CHANNEL_PROTOCOL = "agent.v1";
export const FRAME_MAX_BYTES = 16384;
export const PIECE_CHARS = 8000;
export const OPEN_MESSAGES_MAX = 4;
export const MESSAGE_IN_MAX_BYTES = 65536;
export const MESSAGE_OUT_MAX_BYTES = 4194304;
export const SIGNALING_FRAME_MAX_BYTES = 98304;
export const CANDIDATES_MAX = 64;
export const CONNECT_TIMEOUT_S = 15.0;
export const REQUEST_MAX_BYTES = 8192;
export const LISTS_MAX = 500;
export const TITLE_MAX_CHARS = 500;
export const NOTES_MAX_CHARS = 8000;

/** Everything up to `seq` has arrived. Lets nothing go: events stay in their streams, for whoever resumes. */
export const AckSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("ack"),
  seq: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type Ack = v.InferOutput<typeof AckSchema>;

/** Server to client. aiortc gathers before it answers, so all its candidates stand in the SDP. */
export const AnswerSchema = v.object({
  type: v.literal("answer"),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000000)),
  sdp: v.string(),
});
export type Answer = v.InferOutput<typeof AnswerSchema>;

/** Which door a change came through. */
export const AuthorSchema = v.picklist(["chat", "board", "mcp", "system"]);
export type Author = v.InferOutput<typeof AuthorSchema>;

/** Both ways: the session ends, its peer connection too. */
export const ByeSchema = v.object({
  type: v.literal("bye"),
});
export type Bye = v.InferOutput<typeof ByeSchema>;

/** Of ICE (RFC 8445 section 5.1.1). */
export const CandidateTypeSchema = v.picklist(["host", "srflx", "prflx", "relay"]);
export type CandidateType = v.InferOutput<typeof CandidateTypeSchema>;

/** This gateway is going; connect again while the channel still lives. */
export const ChannelDrainingSchema = v.object({
  type: v.literal("draining"),
  retry_after_ms: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type ChannelDraining = v.InferOutput<typeof ChannelDrainingSchema>;

/** Every code a stranger can see. The detail beside it is text of ours, never an exception's. */
export const ErrorCodeSchema = v.picklist(["invalid", "unknown_type", "too_large", "unsupported_version", "unauthorised", "not_found", "conflict", "fenced", "cancelled", "limit", "rate", "overloaded", "capacity", "unavailable", "timeout", "deadline", "superseded", "connect_failed", "slow_reader", "unsupported", "internal"]);
export type ErrorCode = v.InferOutput<typeof ErrorCodeSchema>;

/** What was wrong with the message `ref`. With `final` the channel closes. */
export const ChannelErrorSchema = v.object({
  code: ErrorCodeSchema,
  detail: v.optional(v.string(), ""),
  field: v.nullish(v.string(), null),
  value: v.nullish(v.string(), null),
  ref: v.nullish(v.string(), null),
  error_id: v.nullish(v.string(), null),
  final: v.optional(v.boolean(), false),
  type: v.literal("error"),
});
export type ChannelError = v.InferOutput<typeof ChannelErrorSchema>;

/** Marks as done, or with `done: false` as open again. */
export const CompleteItemSchema = v.object({
  op: v.literal("complete_item"),
  item_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  done: v.optional(v.boolean(), true),
});
export type CompleteItem = v.InferOutput<typeof CompleteItemSchema>;

export const PrioritySchema = v.picklist(["none", "low", "medium", "high"]);
export type Priority = v.InferOutput<typeof PrioritySchema>;

/** Adds at the end of the list. */
export const CreateItemSchema = v.object({
  op: v.literal("create_item"),
  item_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  title: v.string(),
  notes: v.optional(v.string(), ""),
  due: v.nullish(v.string(), null),
  priority: v.optional(PrioritySchema, "none"),
});
export type CreateItem = v.InferOutput<typeof CreateItemSchema>;

export const CreateListSchema = v.object({
  op: v.literal("create_list"),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  name: v.string(),
});
export type CreateList = v.InferOutput<typeof CreateListSchema>;

export const DeleteItemSchema = v.object({
  op: v.literal("delete_item"),
  item_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
});
export type DeleteItem = v.InferOutput<typeof DeleteItemSchema>;

/** Deletes the list and its items. */
export const DeleteListSchema = v.object({
  op: v.literal("delete_list"),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
});
export type DeleteList = v.InferOutput<typeof DeleteListSchema>;

/** What a user sees of a list: the part that verification compares. */
export const ListViewSchema = v.object({
  kind: v.literal("list"),
  name: v.string(),
});
export type ListView = v.InferOutput<typeof ListViewSchema>;

/** Where in its list a change put an item: in front, at the end, or behind another item. */
export const PlaceSchema = v.object({
  at: v.picklist(["first", "end", "after"]),
  item_id: v.nullish(v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)), null),
});
export type Place = v.InferOutput<typeof PlaceSchema>;

/** What a user sees of an item: the part that verification compares. `place` is given only in `after`, and only for an item whose place the change chose. None says: stayed where it was, or, for an item that is new to its list, stands at its end. */
export const ItemViewSchema = v.object({
  kind: v.literal("item"),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  title: v.string(),
  notes: v.optional(v.string(), ""),
  done: v.optional(v.boolean(), false),
  due: v.nullish(v.string(), null),
  priority: v.optional(PrioritySchema, "none"),
  place: v.nullish(PlaceSchema, null),
});
export type ItemView = v.InferOutput<typeof ItemViewSchema>;

/** One row before and after. `before` is None for an added row, `after` for a removed one. */
export const RowChangeSchema = v.object({
  id: v.string(),
  before: v.nullish(v.variant("kind", [ListViewSchema, ItemViewSchema]), null),
  after: v.nullish(v.variant("kind", [ListViewSchema, ItemViewSchema]), null),
  list_name: v.nullish(v.string(), null),
});
export type RowChange = v.InferOutput<typeof RowChangeSchema>;

/** Changes by row, sorted by (kind, id). Empty means: nothing that a user could see. */
export const DiffSchema = v.object({
  changes: v.optional(v.array(RowChangeSchema), []),
});
export type Diff = v.InferOutput<typeof DiffSchema>;

/** The last events of a session that have arrived, one number for each stream they are kept in. Numbers grow within a session and have gaps. Only events in their order count, not an outcome with a `ref`. */
export const SeenSchema = v.object({
  chat: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  out: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});
export type Seen = v.InferOutput<typeof SeenSchema>;

/** Client to server, first. Tokens travel here, never in the address. */
export const HelloSchema = v.object({
  type: v.literal("hello"),
  version: v.pipe(v.number(), v.integer()),
  token: v.nullish(v.pipe(v.string(), v.maxLength(8192)), null),
  time_zone: v.optional(v.pipe(v.string(), v.maxLength(64)), "UTC"),
  session: v.nullish(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)), null),
  resume_token: v.nullish(v.pipe(v.string(), v.maxLength(128)), null),
  last_seen: v.nullish(SeenSchema, null),
});
export type Hello = v.InferOutput<typeof HelloSchema>;

/** This session's earlier turns: the newest, or the newest of those before one. Answered by history.page. */
export const HistoryGetSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("history.get"),
  before: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)), null),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)), 50),
});
export type HistoryGet = v.InferOutput<typeof HistoryGetSchema>;

/** How a turn or an operation ended. */
export const OutcomeSchema = v.picklist(["confirmed", "already_so", "answered", "clarify", "not_found", "refused", "conflict", "cancelled", "refuted", "failed", "unknown"]);
export type Outcome = v.InferOutput<typeof OutcomeSchema>;

/** One thing that could be meant: a button under a clarifying question. */
export const TurnsCandidateSchema = v.object({
  label: v.string(),
  detail: v.nullish(v.string(), null),
  reply: v.string(),
});
export type TurnsCandidate = v.InferOutput<typeof TurnsCandidateSchema>;

export const RenameListSchema = v.object({
  op: v.literal("rename_list"),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  name: v.string(),
});
export type RenameList = v.InferOutput<typeof RenameListSchema>;

/** Changes the fields given; `clear_due` takes the due date away. */
export const UpdateItemSchema = v.object({
  op: v.literal("update_item"),
  item_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  title: v.nullish(v.string(), null),
  notes: v.nullish(v.string(), null),
  due: v.nullish(v.string(), null),
  clear_due: v.optional(v.boolean(), false),
  priority: v.nullish(PrioritySchema, null),
});
export type UpdateItem = v.InferOutput<typeof UpdateItemSchema>;

/** Moves to a list, behind `after_id` or at its end; the id stays. */
export const MoveItemSchema = v.object({
  op: v.literal("move_item"),
  item_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  after_id: v.nullish(v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)), null),
  first: v.optional(v.boolean(), false),
});
export type MoveItem = v.InferOutput<typeof MoveItemSchema>;

/** Puts back what a change did; itself a change, so it can be undone. */
export const UndoChangeSchema = v.object({
  op: v.literal("undo_change"),
  change_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
});
export type UndoChange = v.InferOutput<typeof UndoChangeSchema>;

/** What the second read says of the plan. */
export const VerdictSchema = v.picklist(["confirmed", "refuted", "unknown"]);
export type Verdict = v.InferOutput<typeof VerdictSchema>;

/** Milliseconds. `model` is part of `plan`. */
export const TimingsSchema = v.object({
  queued: v.nullish(v.number(), null),
  plan: v.nullish(v.number(), null),
  model: v.nullish(v.number(), null),
  execute: v.nullish(v.number(), null),
  confirm: v.nullish(v.number(), null),
  total: v.nullish(v.number(), null),
});
export type Timings = v.InferOutput<typeof TimingsSchema>;

/** Which model answered, and how often it was asked. */
export const ModelUseSchema = v.object({
  name: v.string(),
  calls: v.optional(v.pipe(v.number(), v.integer()), 0),
  prompt_tokens: v.nullish(v.pipe(v.number(), v.integer()), null),
  completion_tokens: v.nullish(v.pipe(v.number(), v.integer()), null),
});
export type ModelUse = v.InferOutput<typeof ModelUseSchema>;

/** The proof of one turn or operation: what was understood, expected and seen. */
export const ReceiptSchema = v.object({
  request: v.nullish(v.string(), null),
  understood: v.optional(v.array(v.string()), []),
  operations: v.optional(v.array(v.variant("op", [CreateListSchema, RenameListSchema, DeleteListSchema, CreateItemSchema, UpdateItemSchema, CompleteItemSchema, MoveItemSchema, DeleteItemSchema, UndoChangeSchema])), []),
  expected: v.optional(DiffSchema, {"changes": []}),
  observed: v.optional(DiffSchema, {"changes": []}),
  others: v.optional(DiffSchema, {"changes": []}),
  verdict: v.nullish(VerdictSchema, null),
  revision_before: v.nullish(v.pipe(v.number(), v.integer()), null),
  revision_after: v.nullish(v.pipe(v.number(), v.integer()), null),
  change_id: v.nullish(v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)), null),
  truncated: v.optional(v.boolean(), false),
  attempt: v.optional(v.pipe(v.number(), v.integer()), 1),
  timings: v.optional(TimingsSchema, {"queued": null, "plan": null, "model": null, "execute": null, "confirm": null, "total": null}),
  model: v.nullish(ModelUseSchema, null),
  trace_id: v.nullish(v.string(), null),
});
export type Receipt = v.InferOutput<typeof ReceiptSchema>;

/** `evt.chat.<session>.<turn>.completed`: the end of a turn, exactly one for each that was accepted. */
export const TurnCompletedSchema = v.object({
  session: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  outcome: OutcomeSchema,
  text: v.string(),
  reason: v.nullish(v.string(), null),
  candidates: v.optional(v.array(TurnsCandidateSchema), []),
  receipt: ReceiptSchema,
  completed_at: v.string(),
});
export type TurnCompleted = v.InferOutput<typeof TurnCompletedSchema>;

/** A turn as it is kept. Without `completed` it is under way, unless `outcome_lost`: it ended, and what came of it cannot be read any more. */
export const HistoryTurnSchema = v.object({
  seq: v.pipe(v.number(), v.integer()),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  text: v.string(),
  accepted_at: v.string(),
  completed: v.nullish(TurnCompletedSchema, null),
  outcome_lost: v.optional(v.boolean(), false),
});
export type HistoryTurn = v.InferOutput<typeof HistoryTurnSchema>;

/** Turns in their order, the oldest first: at most `limit`, and no more than one message holds. With `more` there are older ones, to be asked for with `before`. What has aged out of the stream, or is not readable, is left out. */
export const HistoryPageSchema = v.object({
  type: v.literal("history.page"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  turns: v.optional(v.array(HistoryTurnSchema), []),
  more: v.optional(v.boolean(), false),
});
export type HistoryPage = v.InferOutput<typeof HistoryPageSchema>;

/** RTCIceCandidateInit of the W3C, in our spelling. */
export const IceCandidateSchema = v.object({
  candidate: v.pipe(v.string(), v.maxLength(1024)),
  sdp_mid: v.nullish(v.pipe(v.string(), v.maxLength(32)), null),
  sdp_m_line_index: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(16)), null),
});
export type IceCandidate = v.InferOutput<typeof IceCandidateSchema>;

export const IceServerSchema = v.object({
  urls: v.array(v.string()),
  username: v.nullish(v.string(), null),
  credential: v.nullish(v.string(), null),
});
export type IceServer = v.InferOutput<typeof IceServerSchema>;

/** One list as stored. `version` rises by one with each change of the row. */
export const TodoListSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  name: v.string(),
  position: v.string(),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type TodoList = v.InferOutput<typeof TodoListSchema>;

/** One item as stored. Items of a list are ordered by (position, id). */
export const TodoItemSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  list_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  title: v.string(),
  notes: v.optional(v.string(), ""),
  done: v.optional(v.boolean(), false),
  due: v.nullish(v.string(), null),
  priority: v.optional(PrioritySchema, "none"),
  position: v.string(),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type TodoItem = v.InferOutput<typeof TodoItemSchema>;

/** A row as the database's trigger saw it: OLD and NEW of one change. A soft-deleted row has `after` None. */
export const ImageSchema = v.object({
  row_id: v.string(),
  before: v.nullish(v.union([TodoListSchema, TodoItemSchema]), null),
  after: v.nullish(v.union([TodoListSchema, TodoItemSchema]), null),
});
export type Image = v.InferOutput<typeof ImageSchema>;

/** One committed change. `revision` is gapless per owner and starts at 1. */
export const JournalEntrySchema = v.object({
  revision: v.pipe(v.number(), v.integer(), v.minValue(1)),
  change_id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
  operation_id: v.string(),
  author: AuthorSchema,
  at: v.string(),
  images: v.optional(v.array(ImageSchema), []),
  truncated: v.optional(v.boolean(), false),
});
export type JournalEntry = v.InferOutput<typeof JournalEntrySchema>;

/** What the server will accept, so that a client can refuse early and say why. */
export const LimitsSchema = v.object({
  frame_bytes: v.pipe(v.number(), v.integer()),
  message_bytes: v.pipe(v.number(), v.integer()),
  request_bytes: v.pipe(v.number(), v.integer()),
  title_chars: v.pipe(v.number(), v.integer()),
});
export type Limits = v.InferOutput<typeof LimitsSchema>;

export const ModelStateSchema = v.picklist(["ready", "loading", "not_loaded", "unreachable", "no_agent"]);
export type ModelState = v.InferOutput<typeof ModelStateSchema>;

/** The best that any agent finds. Told once a channel is open, and whenever it changes; not before it is known. */
export const ModelStatusSchema = v.object({
  type: v.literal("model.status"),
  state: ModelStateSchema,
  name: v.nullish(v.string(), null),
  stand_in: v.optional(v.boolean(), false),
});
export type ModelStatus = v.InferOutput<typeof ModelStatusSchema>;

/** Client to server, at once, without waiting for candidates. */
export const OfferSchema = v.object({
  type: v.literal("offer"),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000000)),
  sdp: v.pipe(v.string(), v.minLength(1), v.maxLength(65536)),
});
export type Offer = v.InferOutput<typeof OfferSchema>;

/** What became of RunOperations. */
export const OperationsCompletedSchema = v.object({
  operation_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  outcome: OutcomeSchema,
  text: v.string(),
  reason: v.nullish(v.string(), null),
  receipt: ReceiptSchema,
});
export type OperationsCompleted = v.InferOutput<typeof OperationsCompletedSchema>;

export const OperationCompletedSchema = v.object({
  type: v.literal("op.completed"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  result: OperationsCompletedSchema,
});
export type OperationCompleted = v.InferOutput<typeof OperationCompletedSchema>;

/** What carries the page's end of the path; of a relayed one, what carries it to the relay. */
export const PathProtocolSchema = v.picklist(["udp", "tcp", "tls"]);
export type PathProtocol = v.InferOutput<typeof PathProtocolSchema>;

/** The pair of candidates that ICE chose, as the page sees it, and how long it took. Not answered. The gateway sees most of its peers as `prflx` or `host`: their candidates come later than their checks, or never. */
export const PathReportSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("path.report"),
  local: CandidateTypeSchema,
  remote: CandidateTypeSchema,
  protocol: PathProtocolSchema,
  connect_ms: v.pipe(v.number(), v.minValue(0), v.maxValue(600000)),
});
export type PathReport = v.InferOutput<typeof PathReportSchema>;

export const PhaseSchema = v.picklist(["plan", "execute", "confirm"]);
export type Phase = v.InferOutput<typeof PhaseSchema>;

/** Both ways; answered by pong with the same id. */
export const PingSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("ping"),
});
export type Ping = v.InferOutput<typeof PingSchema>;

export const PongSchema = v.object({
  type: v.literal("pong"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
});
export type Pong = v.InferOutput<typeof PongSchema>;

/** Server to client: you may connect. */
export const ReadySchema = v.object({
  type: v.literal("ready"),
  version: v.pipe(v.number(), v.integer()),
  session: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  owner_name: v.string(),
  owner: v.nullish(v.string(), null),
  ice_servers: v.optional(v.array(IceServerSchema), []),
  expires_at: v.nullish(v.string(), null),
  token_expires_at: v.nullish(v.string(), null),
  resume_token: v.nullish(v.string(), null),
  resumed: v.optional(v.boolean(), false),
  limits: LimitsSchema,
});
export type Ready = v.InferOutput<typeof ReadySchema>;

/** Operations without a model: a click on the board. Answered by op.completed, or error. */
export const RunOperationSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("op.run"),
  operation_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  operations: v.pipe(v.array(v.variant("op", [CreateListSchema, RenameListSchema, DeleteListSchema, CreateItemSchema, UpdateItemSchema, CompleteItemSchema, MoveItemSchema, DeleteItemSchema, UndoChangeSchema])), v.minLength(1), v.maxLength(500)),
  expected_revision: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)), null),
});
export type RunOperation = v.InferOutput<typeof RunOperationSchema>;

/** Once after each opening, behind the outcomes that were missed: what follows is new. Phases are short messages, which overtake long ones: newer ones may come before it, so `seen` is never a reason to go back. Where more than REPLAY_MAX events of a stream were missed, those behind them were left out and `complete` is false. */
export const SessionCurrentSchema = v.object({
  type: v.literal("session.current"),
  seen: SeenSchema,
  replayed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  complete: v.optional(v.boolean(), true),
});
export type SessionCurrent = v.InferOutput<typeof SessionCurrentSchema>;

/** Server to client: this server is going; open a new socket. */
export const SignalingDrainingSchema = v.object({
  type: v.literal("draining"),
  retry_after_ms: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type SignalingDraining = v.InferOutput<typeof SignalingDrainingSchema>;

/** Server to client. With `final` the socket closes and a client does not try again. */
export const SignalingErrorSchema = v.object({
  code: ErrorCodeSchema,
  detail: v.optional(v.string(), ""),
  field: v.nullish(v.string(), null),
  value: v.nullish(v.string(), null),
  ref: v.nullish(v.string(), null),
  error_id: v.nullish(v.string(), null),
  final: v.optional(v.boolean(), false),
  type: v.literal("error"),
  attempt: v.nullish(v.pipe(v.number(), v.integer()), null),
});
export type SignalingError = v.InferOutput<typeof SignalingErrorSchema>;

/** One journal entry: the one after the last seen, or one told before; after a gap the page asks state.get again. */
export const StateChangedSchema = v.object({
  type: v.literal("state.changed"),
  entry: JournalEntrySchema,
});
export type StateChanged = v.InferOutput<typeof StateChangedSchema>;

/** Answered by one state.list a list, the last one marked; state.changed follows from there. */
export const StateGetSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("state.get"),
});
export type StateGet = v.InferOutput<typeof StateGetSchema>;

/** One list with its items, at a revision. An owner without lists gets one message with `list` None. */
export const StateListSchema = v.object({
  type: v.literal("state.list"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  revision: v.pipe(v.number(), v.integer(), v.minValue(0)),
  index: v.pipe(v.number(), v.integer(), v.minValue(0)),
  last: v.boolean(),
  list: v.nullish(TodoListSchema, null),
  items: v.optional(v.array(TodoItemSchema), []),
});
export type StateList = v.InferOutput<typeof StateListSchema>;

/** Changes up to `revision` were passed over, and will not be told: ask state.get. What is told later follows it. */
export const StateStaleSchema = v.object({
  type: v.literal("state.stale"),
  revision: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type StateStale = v.InferOutput<typeof StateStaleSchema>;

/** A new access token of the same owner, before the old one expires. Answered by token.renewed, or error. */
export const TokenRenewSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("token.renew"),
  token: v.pipe(v.string(), v.maxLength(8192)),
});
export type TokenRenew = v.InferOutput<typeof TokenRenewSchema>;

export const TokenRenewedSchema = v.object({
  type: v.literal("token.renewed"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  expires_at: v.string(),
});
export type TokenRenewed = v.InferOutput<typeof TokenRenewedSchema>;

/** The turn is stored and will be answered, once. */
export const TurnAcceptedSchema = v.object({
  type: v.literal("turn.accepted"),
  ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  seq: v.nullish(v.pipe(v.number(), v.integer()), null),
  trace_id: v.nullish(v.string(), null),
});
export type TurnAccepted = v.InferOutput<typeof TurnAcceptedSchema>;

export const TurnCancelRequestSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("turn.cancel"),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
});
export type TurnCancelRequest = v.InferOutput<typeof TurnCancelRequestSchema>;

/** The end of a turn. With `ref` it answers a turn.start that was sent again, out of the order of events. */
export const TurnCompletedEventSchema = v.object({
  type: v.literal("turn.completed"),
  turn: TurnCompletedSchema,
  seq: v.nullish(v.pipe(v.number(), v.integer()), null),
  ref: v.nullish(v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)), null),
});
export type TurnCompletedEvent = v.InferOutput<typeof TurnCompletedEventSchema>;

/** A piece of free prose, at `offset` characters of attempt `attempt`. */
export const TurnDeltaEventSchema = v.object({
  type: v.literal("turn.delta"),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  text: v.string(),
});
export type TurnDeltaEvent = v.InferOutput<typeof TurnDeltaEventSchema>;

/** What holds a phase up. */
export const WaitsForSchema = v.picklist(["model", "store"]);
export type WaitsFor = v.InferOutput<typeof WaitsForSchema>;

export const TurnPhaseEventSchema = v.object({
  type: v.literal("turn.phase"),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  phase: PhaseSchema,
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  elapsed_ms: v.pipe(v.number(), v.minValue(0)),
  waits_for: v.nullish(WaitsForSchema, null),
  seq: v.nullish(v.pipe(v.number(), v.integer()), null),
});
export type TurnPhaseEvent = v.InferOutput<typeof TurnPhaseEventSchema>;

/** The turn was not stored; nothing will happen. */
export const TurnRejectedSchema = v.object({
  code: ErrorCodeSchema,
  detail: v.optional(v.string(), ""),
  field: v.nullish(v.string(), null),
  value: v.nullish(v.string(), null),
  ref: v.nullish(v.string(), null),
  error_id: v.nullish(v.string(), null),
  final: v.optional(v.boolean(), false),
  type: v.literal("turn.rejected"),
  turn_id: v.nullish(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)), null),
  retry_after_ms: v.nullish(v.pipe(v.number(), v.integer()), null),
});
export type TurnRejected = v.InferOutput<typeof TurnRejectedSchema>;

/** A request. Answered by turn.accepted or turn.rejected, then phases, then turn.completed. */
export const TurnStartSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[A-Za-z0-9_-]+$/)),
  traceparent: v.nullish(v.pipe(v.string(), v.regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)), null),
  type: v.literal("turn.start"),
  turn_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  text: v.string(),
  sent_at: v.nullish(v.string(), null),
});
export type TurnStart = v.InferOutput<typeof TurnStartSchema>;

/** Both ways. `candidate: null` says that there are no more. */
export const SignalingCandidateSchema = v.object({
  type: v.literal("candidate"),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000000)),
  candidate: v.nullish(IceCandidateSchema, null),
});
export type SignalingCandidate = v.InferOutput<typeof SignalingCandidateSchema>;

export const FromPageSchema = v.variant("type", [TurnStartSchema, TurnCancelRequestSchema, RunOperationSchema, StateGetSchema, HistoryGetSchema, PathReportSchema, TokenRenewSchema, AckSchema, PingSchema, PongSchema]);
export type FromPage = v.InferInput<typeof FromPageSchema>;

export const FromGatewaySchema = v.variant("type", [TurnAcceptedSchema, TurnRejectedSchema, TurnPhaseEventSchema, TurnDeltaEventSchema, TurnCompletedEventSchema, OperationCompletedSchema, StateListSchema, StateChangedSchema, StateStaleSchema, HistoryPageSchema, SessionCurrentSchema, TokenRenewedSchema, ModelStatusSchema, ChannelDrainingSchema, ChannelErrorSchema, PingSchema, PongSchema]);
export type FromGateway = v.InferOutput<typeof FromGatewaySchema>;

export const FromClientSchema = v.variant("type", [HelloSchema, OfferSchema, SignalingCandidateSchema, ByeSchema]);
export type FromClient = v.InferInput<typeof FromClientSchema>;

export const FromServerSchema = v.variant("type", [ReadySchema, AnswerSchema, SignalingCandidateSchema, SignalingErrorSchema, SignalingDrainingSchema, ByeSchema]);
export type FromServer = v.InferOutput<typeof FromServerSchema>;
