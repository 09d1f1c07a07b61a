using LeadPipeline.TestKit;
using Microsoft.Playwright;

namespace LeadPipeline.Browser.Tests;

/// <summary>The browser of this machine. Playwright brings none of its own, so that nothing is downloaded that the distribution does not vouch for.</summary>
internal static class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    private static readonly string[] Arguments =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    /// <summary>Starts it; without one the test says what to install (<see cref="Missing"/>).</summary>
    public static async Task<IBrowser> StartAsync(IPlaywright playwright)
    {
        if (Path() is not { } path)
            throw Missing.Because("There is no Chromium here: sudo apt-get install chromium, or name one in LEADPIPELINE_CHROMIUM.");
        return await playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = Arguments, Timeout = (float)Eventually.Patience.TotalMilliseconds });
    }

    private static string? Path() => Environment.GetEnvironmentVariable("LEADPIPELINE_CHROMIUM") is { Length: > 0 } named
        ? named
        : (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
           from name in Names
           let path = System.IO.Path.Combine(folder, name)
           where File.Exists(path)
           select path).FirstOrDefault();
}
