using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>The whole program without HTTP, embedded, with the mock CRM, before the simulated model.</summary>
internal sealed class GeminiPipeline : IAsyncDisposable
{
    private readonly TempFolder folder = new();
    private readonly IHost host;

    private GeminiPipeline(GeminiSimulator model, Dictionary<string, string?> more)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Data:Directory"] = folder.Path,
            ["Analysis:Analyzer"] = "Gemini",
            ["Analysis:RequestsPerMinute"] = "0",
            ["Analysis:TokensPerMinute"] = "0",
            ["Analysis:PricePerMillionInput"] = "0.5",
            ["Analysis:PricePerMillionOutput"] = "3",
            ["Gemini:ApiKey"] = GeminiSimulator.ApiKey,
            ["Gemini:BaseUrl"] = model.Address.ToString(),
            ["Retry:BaseDelay"] = "00:00:00.001",
            ["Messaging:SweepInterval"] = "00:00:00.050",
        };
        foreach (var (key, value) in more)
            settings[key] = value;
        host = WorkerApplication.Pipeline(settings, quiet: false);
        host.Services.GetRequiredService<ILoggerFactory>().AddProvider(Logs);
    }

    /// <summary>All that was logged, templates filled in, exceptions included.</summary>
    public KeptLogs Logs { get; } = new();

    public T Get<T>()
        where T : notnull => host.Services.GetRequiredService<T>();

    public static async Task<GeminiPipeline> StartAsync(GeminiSimulator model, params (string Key, string? Value)[] more)
    {
        var pipeline = new GeminiPipeline(model, more.ToDictionary(m => m.Key, m => m.Value));
        await pipeline.host.StartAsync();
        return pipeline;
    }

    /// <summary>Puts a lead in.</summary>
    public async Task<Guid> SubmitAsync(JsonObject lead)
    {
        var answer = await Get<LeadDoor>().TakeAsync(JsonSerializer.SerializeToElement(lead), "file", trusted: true, null, null, CancellationToken.None);
        return answer is DoorAnswer.Accepted accepted ? accepted.LeadId : throw new AssertionException("The lead was not taken in.");
    }

    /// <summary>Waits until leads have nothing outstanding any more, and answers what is known of them.</summary>
    public async Task<IReadOnlyList<JsonObject>> EndedAsync(params IReadOnlyList<Guid> ids)
    {
        await Eventually.ShouldAsync(async () => (await Get<LeadQueries>().OpenAsync([.. ids], CancellationToken.None)).Count == 0, "end all leads");
        return [.. (await Get<LeadQueries>().OutcomesAsync(ids, whole: true, CancellationToken.None)).Select(o => JsonNode.Parse(o.Whole)!.AsObject())];
    }

    /// <summary>Waits until a lead is deferred.</summary>
    public async Task<JsonObject> DeferredAsync(Guid id)
    {
        JsonObject? lead = null;
        await Eventually.ShouldAsync(async () => (lead = await Get<LeadQueries>().FindAsync(id, true, CancellationToken.None))?["status"]?.ToString() == "Deferred", "defer the lead");
        return lead!;
    }

    /// <summary>Every value that stands in a column of the database, sealed ones as they are.</summary>
    public async Task<List<string>> TextsAsync(string sql)
    {
        await using var session = await Get<SqlDatabase>().OpenReaderAsync(CancellationToken.None);
        return await session.QueryAsync(sql, r => r.IsDBNull(0) ? "" : r.GetString(0), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        folder.Dispose();
    }
}

/// <summary>Keeps log lines.</summary>
internal sealed class KeptLogs : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> lines = [];

    public string Text => string.Join('\n', lines);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue($"{eventId.Id} {logLevel} {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
