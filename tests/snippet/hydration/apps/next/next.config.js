export default {
  distDir: process.env.OUTPUT, // a development server has one of its own
  turbopack: { root: import.meta.dirname },
};
