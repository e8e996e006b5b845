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
  /** The business's data of the session. */
  data: Record<string, unknown>;
}

/** The data that the user must share before a call can succeed. */
export type Challenge = "profile" | "phone";

export interface ClientOptions {
  /** Address of the gateway: https://api.example.com */
  url: string;
  /** Name of the account in the accounts file. */
  account: string;
  /** `wx` by default; `my`, `tt` and others have the same functions. */
  platform?: Platform;
  /**
   * Asks the user for the data that a call needs; the call is repeated if the promise resolves to true. One question
   * serves all calls that need the same data. Without this function such calls are rejected; `challenge` of the error
   * names the data.
   */
  onChallenge?: (challenge: Challenge) => Promise<boolean> | boolean;
  /** Milliseconds for one request; 10000 by default. */
  timeout?: number;
  /** Milliseconds between two pings of a socket; 20000 by default. It reconnects if a ping has no answer until the next. */
  heartbeat?: number;
}

/** The functions of `wx` that the client uses. */
export interface Platform {
  login(options: any): unknown;
  request(options: any): unknown;
  connectSocket(options: any): unknown;
  getStorageSync(key: string): any;
  setStorageSync(key: string, value: any): void;
  removeStorageSync(key: string): void;
  onAppShow?(listener: (...args: any[]) => void): void;
  offAppShow?(listener: (...args: any[]) => void): void;
  onNetworkStatusChange?(listener: (...args: any[]) => void): void;
  offNetworkStatusChange?(listener: (...args: any[]) => void): void;
}

/** An error of the gateway, or of the phone or the network (`status` 0). */
export class WxbusError extends Error {
  /** HTTP status; 0 without an answer of the gateway. */
  readonly status: number;
  /** Type of the problem document, such as urn:wxbus:problem:phone-required. */
  readonly type: string;
  readonly detail: string;
  /** Invalid fields of the request. */
  readonly errors: { field: string; message: string }[];
  /** Seconds after which to call again. */
  readonly retryAfter?: number;
  /** Of a 401: the missing step. */
  readonly challenge?: Challenge | "login";
}

export interface Socket {
  /** The position of the last push. */
  readonly position: string;
  /** Calls `handler` when a connection has opened. Returns a function that removes it. */
  on(name: "open", handler: () => void): () => void;
  /** Calls `handler` when pushes have expired that this client has not received. */
  on(name: "missed", handler: () => void): () => void;
  /** Calls `handler` when a connection has ended. Another one follows, except after 4409 (too many sockets of the user). */
  on(name: "close", handler: (event: { code: number }) => void): () => void;
  /** Calls `handler` for each push of this name, in order. */
  on<T = any>(name: string, handler: (body: T) => void): () => void;
  /** Sends a message; resolves when it is stored, and will be handled in order. */
  send(name: string, body?: object): Promise<void>;
  /** Closes the socket for good; unacknowledged messages are rejected. */
  close(): void;
}

export interface Client {
  /** The state of the session; null before the first login. */
  readonly session: SessionState | null;
  /** Calls `listener` with each new state of the session. Returns a function that removes it. */
  onSession(listener: (state: SessionState | null) => void): () => void;
  /** Logs in now; otherwise the first call does. */
  login(): Promise<void>;
  /** Calls a method of a service, `service/method`. With the same key a repeated call gets the first answer. */
  call<T = unknown>(path: string, body?: object, options?: { idempotencyKey?: string }): Promise<T>;
  /** Shares the phone number: `event.detail` of the button `getPhoneNumber`. */
  sharePhone(detail: { code?: string; encryptedData?: string; iv?: string; errMsg?: string }): Promise<void>;
  /** Shares the profile: the result of `wx.getUserProfile`. */
  shareProfile(detail: {
    encryptedData?: string;
    iv?: string;
    rawData?: string;
    signature?: string;
    errMsg?: string;
  }): Promise<void>;
  /** Ends the session on this device, or on all devices of the user, and closes the sockets of this client. */
  logout(options?: { everywhere?: boolean }): Promise<void>;
  /** Opens a socket; `position` is that of the last push that an earlier socket has received. */
  connect(options?: { position?: string }): Socket;
}

export function createClient(options: ClientOptions): Client;
