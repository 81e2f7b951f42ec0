// A page that the server has in one piece, rendered when the app is built.
import Shop from "./Shop";

export default function Whole() {
  return (
    <main>
      <p id="server">From the server: 800-555-0100</p>
      <Shop />
    </main>
  );
}
