// The npm package loads the script, and its hook shows the number in one place.
import Call from "./Call";

export const metadata = { title: "Shop" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Call />
        {children}
      </body>
    </html>
  );
}
