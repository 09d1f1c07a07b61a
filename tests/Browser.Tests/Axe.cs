using System.Diagnostics;
using System.Text.Json;
using LeadPipeline.TestKit;
using Microsoft.Playwright;

namespace LeadPipeline.Browser.Tests;

/// <summary>The accessibility checks of axe-core, fetched from npm the first time, into a folder that Git ignores.</summary>
internal static class Axe
{
    private const string Version = "4.14.1";

    private static readonly string Folder = Repository.PathOf($".test/axe-{Version}");

    private const string ExtraAuthorities = "NODE_EXTRA_CA_CERTS", SystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly Lazy<Task<string?>> Script = new(LoadAsync);

    /// <summary>What is wrong with a page, one line a fault; without npm, or a way to its registry, the test is missing it (<see cref="Missing"/>).</summary>
    public static async Task<IReadOnlyList<string>> FaultsAsync(IPage page)
    {
        if (await Script.Value is not { } script)
            throw Missing.Because("axe-core could not be fetched: npm is needed, and a way to its registry, once.");
        await page.EvaluateAsync(script);
        var answer = await page.EvaluateAsync<JsonElement>("async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).join(', ')} (${v.help})`)");
        return [.. answer.EnumerateArray().Select(f => f.GetString()!)];
    }

    private static async Task<string?> LoadAsync()
    {
        var file = Path.Combine(Folder, "node_modules", "axe-core", "axe.min.js");
        // Once more: a registry that everybody uses does not answer everybody at once.
        if (!File.Exists(file) && !await FetchAsync() && !await FetchAsync())
            return null;
        return await File.ReadAllTextAsync(file);
    }

    private static async Task<bool> FetchAsync()
    {
        Directory.CreateDirectory(Folder);
        try
        {
            var start = new ProcessStartInfo("npm", ["install", "--prefix", Folder, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", $"axe-core@{Version}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            // Node brings a list of authorities of its own; a network with one of its own has told only the system.
            if (!start.Environment.ContainsKey(ExtraAuthorities) && File.Exists(SystemAuthorities))
                start.Environment[ExtraAuthorities] = SystemAuthorities;
            using var npm = Process.Start(start)!;
            using var limit = new CancellationTokenSource(Patience);
            var (output, errors) = (npm.StandardOutput.ReadToEndAsync(limit.Token), npm.StandardError.ReadToEndAsync(limit.Token));
            await npm.WaitForExitAsync(limit.Token);
            await TestContext.Progress.WriteLineAsync(await output + await errors);
            return npm.ExitCode == 0;
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or OperationCanceledException)
        {
            return false;
        }
    }
}
