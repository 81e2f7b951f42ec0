// The tag as `ringpool snippet` prints it, in the document's head.
export const metadata = { title: "Shop" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <script async src="/numbers/dni.js?account=shop" data-timeout="20000" />
      </head>
      <body>{children}</body>
    </html>
  );
}
