// As the manual says.
import Script from "next/script";

export const metadata = { title: "Shop" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Script src="/numbers/dni.js?account=shop" data-timeout="20000" />
      </body>
    </html>
  );
}
