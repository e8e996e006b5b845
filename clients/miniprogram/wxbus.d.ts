/** The state of a session; never the openid, the unionid or the phone number. */
export interface SessionState {
  /** Seconds until the session ends if it is not used. */
  expires_in: number;
  /** Whether the user's unionid or profile is known. */
  profile: boolean;
  /** Whether the user's phone number is known. */
  phone: boolean;
  /** The business's own id of the user. */
  uid: string | null;
  /** What the business adds. */
  data: Record<string, unknown>;
}

/** What the page must do before a call can succeed. */
export type Challenge = "profile" | "phone";

export interface ClientOptions {
  /** Address of the gateway: https://api.example.com */
  url: string;
  /** Name of the account in the accounts file. */
  account: string;
  /** `wx` by default; `my`, `tt` and others have the same functions. */
  platform?: unknown;
  /** Asks the user for what a call needs; the call is repeated if it resolves to true. */
  onChallenge?: (challenge: Challenge) => Promise<boolean> | boolean;
  /** Milliseconds for one request; 10000 by default. */
  timeout?: number;
  /** Milliseconds between two pings of a socket; 20000 by default. After two of them without an answer it reconnects. */
  heartbeat?: number;
}

export class WxbusError extends Error {
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** Type of the problem document, such as urn:wxbus:problem:phone-required. */
  readonly type: string;
  readonly detail: string;
  /** Invalid fields of the request. */
  readonly errors: { field: string; message: string }[];
  /** Seconds after which to call again. */
  readonly retryAfter?: number;
}

export interface Socket {
  /** The position of the last push. */
  readonly position: string;
  /** Calls `handler` for each push of this name; also "open", "missed" and "close". Returns what removes it. */
  on(name: string, handler: (body: any) => void): () => void;
  /** Sends a message; resolves when it is stored, and will be handled in order. */
  send(name: string, body?: Record<string, unknown>): Promise<void>;
  /** Closes the socket for good. */
  close(): void;
}

export interface Client {
  readonly session: SessionState | null;
  onSession(listener: (state: SessionState | null) => void): () => void;
  login(): Promise<void>;
  call<T = unknown>(path: string, body?: object, options?: { idempotencyKey?: string }): Promise<T>;
  sharePhone(detail: { code?: string; encryptedData?: string; iv?: string }): Promise<void>;
  shareProfile(detail: { encryptedData: string; iv: string; rawData?: string; signature?: string }): Promise<void>;
  logout(options?: { everywhere?: boolean }): Promise<void>;
  connect(options?: { position?: string }): Socket;
}

export function createClient(options: ClientOptions): Client;
