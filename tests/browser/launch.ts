/** The Chromium that came from npm, with WebGPU on its SwiftShader. */
export async function launch() {
  const { chromium: playwright } = await import("playwright-core");
  const { default: packed } = await import("@sparticuz/chromium");
  return playwright.launch({
    executablePath: await packed.executablePath(),
    args: [
      "--headless=new",
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--disable-background-networking",
    ],
    env: { ...process.env, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH ?? "" },
  });
}
