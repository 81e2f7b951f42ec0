export default {
  distDir: process.env.OUTPUT, // a development server has one of its own
  turbopack: { root: import.meta.dirname },
  // What React tells its debugger comes through a WebSocket, and hydration waits for it.
  experimental: { reactDebugChannel: false },
};
