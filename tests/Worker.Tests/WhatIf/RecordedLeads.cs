using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.MockCrm;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LeadPipeline.Worker.Tests.WhatIf;

/// <summary>The embedded pipeline with leads that it has worked on, and the command line on the same directory.</summary>
internal sealed class RecordedLeads : IAsyncDisposable
{
    private readonly TempFolder folder = new();
    private readonly Dictionary<string, string?> settings;
    private IHost host = null!;
    private int people;

    private RecordedLeads((string Key, string? Value)[] more)
    {
        settings = new() { ["Data:Directory"] = folder.Path, ["Messaging:SweepInterval"] = "00:00:00.050" };
        foreach (var (key, value) in more)
            settings[key] = value;
    }

    public string Folder => folder.Path;

    public static async Task<RecordedLeads> StartAsync(params (string Key, string? Value)[] more)
    {
        var leads = new RecordedLeads(more);
        leads.host = WorkerApplication.Pipeline(leads.settings, quiet: true);
        await leads.host.StartAsync();
        return leads;
    }

    public T Get<T>()
        where T : notnull => host.Services.GetRequiredService<T>();

    /// <summary>A rehearsal on what was recorded, with further settings.</summary>
    public IHost Rehearsal(params (string Key, string? Value)[] more)
    {
        var tried = new Dictionary<string, string?>(settings);
        foreach (var (key, value) in more)
            tried[key] = value;
        return WorkerApplication.Rehearsal(tried);
    }

    /// <summary>A lead with everything that speaks for it.</summary>
    public JsonObject Hot() => JsonNode.Parse($$"""
        {
          "email": "person{{++people}}@loud{{people}}.example", "company": "Loud {{people}}", "title": "Head of Revenue Operations", "country": "Germany",
          "enrichment": { "company": "Loud {{people}}", "domain": "loud{{people}}.example", "industry": "Software", "employees": 3000, "geo": "Munich, Bavaria, Germany", "techStack": ["AWS", "Kubernetes"], "foundedYear": 2011 },
          "marketing": { "emailOpens": 14, "emailClicks": 6, "pageViews": 22, "pricingPageViews": 4, "webinarsAttended": 2 },
          "product": { "activeUsers": 20, "keyFeatureUses": 40 }
        }
        """)!.AsObject();

    /// <summary>A lead of which nothing is known.</summary>
    public JsonObject Unknown() => new() { ["email"] = $"person{++people}@quiet{people}.example" };

    /// <summary>Takes a lead in and waits until it has ended.</summary>
    public async Task<Guid> WorkOnAsync(JsonObject lead)
    {
        var answer = (DoorAnswer.Accepted)await Get<LeadDoor>().TakeAsync(JsonSerializer.SerializeToElement(lead), "file", trusted: true, null, null, CancellationToken.None);
        _ = await EndedAsync(answer.LeadId, 1);
        return answer.LeadId;
    }

    /// <summary>Waits until a run of a lead has ended, and answers what is known of the lead.</summary>
    public async Task<JsonObject> EndedAsync(Guid lead, int run)
    {
        JsonObject? found = null;
        await Eventually.ShouldAsync(async () =>
        {
            if ((await Get<LeadQueries>().OpenAsync([lead], CancellationToken.None)).Count > 0)
                return false;
            found = await Get<LeadQueries>().FindAsync(lead, full: true, CancellationToken.None);
            return found!["run"]!.GetValue<int>() == run;
        }, $"end run {run} of lead {lead}");
        return found!;
    }

    /// <summary>How many records of each kind there are in the CRM, and calls in its log.</summary>
    public async Task<string> CrmAsync()
    {
        var counts = new List<string>();
        foreach (var kind in Enum.GetValues<CrmObject>())
            counts.Add($"{kind} {(await Get<MockCrmStore>().ListAsync(kind, 1000, CancellationToken.None)).Count}");
        await using var session = await Get<LeadPipeline.Worker.Storage.Sql.SqlDatabase>().OpenReaderAsync(CancellationToken.None);
        counts.Add($"calls {(await session.QueryAsync("SELECT COUNT(*) FROM crm_sync_logs", r => r.GetInt64(0), CancellationToken.None)).Single()}");
        return string.Join(", ", counts);
    }

    /// <summary>Every audit event and run there is, counted: what a trial must not add to.</summary>
    public async Task<string> RecordAsync()
    {
        await using var session = await Get<LeadPipeline.Worker.Storage.Sql.SqlDatabase>().OpenReaderAsync(CancellationToken.None);
        var counts = new List<long>();
        foreach (var table in (string[])["leads", "lead_runs", "audit_events", "effects", "review_verdicts"])
            counts.Add((await session.QueryAsync($"SELECT COUNT(*) FROM {table}", r => r.GetInt64(0), CancellationToken.None)).Single());
        return string.Join(" ", counts);
    }

    /// <summary>Runs a verb on the same directory.</summary>
    public Task<(int Exit, string Out, string Err)> CliAsync(params string[] words) => CommandLine.RunAsync([.. words, .. settings.SelectMany(s => (string[])[s.Key == "Data:Directory" ? "--data" : "--" + s.Key, s.Value!])]);

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        folder.Dispose();
    }
}

/// <summary>A verb in this process. Fixtures that use it share the standard streams, and do not run at the same time as each other.</summary>
internal static class CommandLine
{
    public static async Task<(int Exit, string Out, string Err)> RunAsync(params string[] words)
    {
        var (output, errors) = (Console.Out, Console.Error);
        using var written = new StringWriter();
        using var complained = new StringWriter();
        Console.SetOut(written);
        Console.SetError(complained);
        try
        {
            return (await LeadPipelineCli.RunAsync(words), written.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }
}
