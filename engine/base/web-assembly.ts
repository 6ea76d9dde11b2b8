/** WebAssembly as far as it is used here: the types of Node leave it out. */

export interface WasmMemory {
  /** As long as it is now; a longer one takes its place when the memory grows, over the same bytes. */
  readonly buffer: SharedArrayBuffer
  /** @throws RangeError when there is not so much */
  grow(pages: number): number
}

export interface WasmModule {
  readonly kind?: 'module'
}

interface WebAssembly {
  readonly Memory: new (limits: {
    readonly initial: number
    readonly maximum: number
    readonly shared: true
  }) => WasmMemory
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly [name: string]: { readonly [name: string]: WasmMemory } },
  ) => { readonly exports: { readonly [name: string]: unknown } }
}

export const wasmPageBytes = 65_536
/** What 32 bits reach. */
export const wasmPages = 65_536

// Node has it since version 8
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssembly })
  .WebAssembly
