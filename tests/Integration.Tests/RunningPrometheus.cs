using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>A Prometheus with our rules that scrapes a worker every second. For machines that have the programs; none is fetched.</summary>
internal sealed class RunningPrometheus : IAsyncDisposable
{
    private readonly Process process;
    private readonly HttpClient client;

    private RunningPrometheus(Process process, Uri address)
    {
        this.process = process;
        client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>The path of a program, or null when the machine does not have it.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Starts it and waits until it answers.</summary>
    public static async Task<RunningPrometheus> StartAsync(string folder, Uri worker)
    {
        var configuration = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(configuration, $"""
            global: {"{"} scrape_interval: 1s, evaluation_interval: 1s {"}"}
            rule_files: ["{Repository.PathOf("ops/prometheus/alerts.yml")}"]
            scrape_configs:
              - job_name: leadpipeline
                static_configs: [ {"{"} targets: ["{worker.Authority}"] {"}"} ]
            """);
        var address = new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}");
        var start = new ProcessStartInfo(Find("prometheus")!,
            [$"--config.file={configuration}", $"--storage.tsdb.path={Path.Combine(folder, "tsdb")}", $"--web.listen-address={address.Authority}", "--log.level=error"])
        {
            WorkingDirectory = folder,
        };
        var prometheus = new RunningPrometheus(Process.Start(start)!, address);
        await Eventually.ShouldAsync(async () => (await prometheus.client.GetAsync("/-/ready")).IsSuccessStatusCode, "have a Prometheus that answers");
        return prometheus;
    }

    /// <summary>The values of an instant query; those that are no number left out.</summary>
    public async Task<IReadOnlyList<double>> AskAsync(string query)
    {
        using var form = new FormUrlEncodedContent([new("query", query)]);
        using var response = await client.PostAsync("/api/v1/query", form);
        var answer = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
        if (answer["status"]!.GetValue<string>() != "success")
            throw new InvalidOperationException($"Prometheus does not take '{query}': {answer["error"]}");
        return [.. answer["data"]!["result"]!.AsArray()
            .Select(r => double.Parse(r!["value"]![1]!.GetValue<string>().Replace("Inf", "Infinity", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture))
            .Where(double.IsFinite)];
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
