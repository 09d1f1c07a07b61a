using System.Collections.Concurrent;
using LeadPipeline.TestKit;
using Microsoft.Playwright;

namespace LeadPipeline.Browser.Tests;

/// <summary>A tab of the browser that remembers what its console complained of.</summary>
internal sealed class ConsolePage : IAsyncDisposable
{
    private readonly IBrowserContext context;
    private readonly string address;

    private ConsolePage(IBrowserContext context, IPage page, string address)
    {
        (this.context, Page, this.address) = (context, page, address);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                Complaints.Enqueue(message.Text);
        };
        page.PageError += (_, error) => Complaints.Enqueue(error);
        page.Dialog += (_, dialog) =>
        {
            Complaints.Enqueue($"a dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
    }

    public IPage Page { get; }

    /// <summary>Errors, violations of the content policy among them.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    /// <summary>The path where the tab is now, with what follows it.</summary>
    public string Where => Page.Url[address.Length..];

    public static async Task<ConsolePage> OpenAsync(IBrowser browser, string address, bool phone, bool scripts)
    {
        var context = await browser.NewContextAsync(new()
        {
            ViewportSize = phone ? new() { Width = 390, Height = 844 } : new() { Width = 1280, Height = 800 },
            ColorScheme = phone ? ColorScheme.Dark : ColorScheme.Light,
            JavaScriptEnabled = scripts,
        });
        context.SetDefaultTimeout((float)Eventually.Patience.TotalMilliseconds);
        return new ConsolePage(context, await context.NewPageAsync(), address);
    }

    public async Task<ConsolePage> GoAsync(string path)
    {
        await Page.GotoAsync(address + path);
        return this;
    }

    public async Task<ConsolePage> SignInAsync(string token, string to = "/ops")
    {
        await GoAsync(to);
        await Page.GetByLabel("Access token").FillAsync(token);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await ArriveAsync(to);
        return this;
    }

    /// <summary>Waits until the tab is at this path, and loaded.</summary>
    public Task ArriveAsync(string path) => Eventually.ShouldAsync(
        async () =>
        {
            // In parts: Playwright misses the load of a page that comes at the moment in which it begins to wait for it, and sees it when asked again.
            await Page.WaitForURLAsync(address + path, new() { Timeout = 9_000 });
            return true;
        },
        $"arrive at {path}");

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
