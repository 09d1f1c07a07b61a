using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Planning;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Cli.Doctor;

/// <summary><c>doctor</c>: tries everything that is configured and says what is wrong and what to do.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static Command Create(Dictionary<string, string?> settings)
    {
        var json = CliOutput.JsonOption();
        var command = new Command("doctor", "Tries every configured dependency and says what is wrong.") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // Built but not started: nothing consumes while the doctor looks.
            await using var host = new CliHost(WorkerApplication.Pipeline(settings, quiet: true));
            var findings = await LookAsync(host.Services, cancellationToken);

            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["checks"] = new JsonArray([.. findings.Select(f => (JsonNode)new JsonObject { ["check"] = f.What, ["ok"] = f.Well, ["says"] = f.Says })]) });
            else
                foreach (var (what, well, says) in findings)
                    CliOutput.Say($"{(well ? "ok  " : "FAIL")}  {what,-10} {says}");
            return findings.TrueForAll(f => f.Well) ? 0 : 1;
        });
        return command;
    }

    private static async Task<List<Finding>> LookAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var findings = new List<Finding>
        {
            await DatabaseAsync(services, cancellationToken),
            await Finding.TryAsync("policy", "correct the policy file", _ =>
            {
                var policy = services.GetRequiredService<PolicyInForce>().Policy;
                return Task.FromResult($"{policy.Identity.Name}, {policy.Plans.Count} plans");
            }, cancellationToken),
            await Finding.TryAsync("webhooks", "correct the mapping file, or the setting", _ =>
            {
                var ready = services.GetRequiredService<WebhookSources>().Ready;
                return Task.FromResult(ready.Count == 0 ? "no sender has a secret" : $"ready for {string.Join(", ", ready)}");
            }, cancellationToken),
            await Finding.TryAsync("crm", "check CRM_PROVIDER, its address and its credentials", async token =>
            {
                var crm = services.GetRequiredService<ICrm>();
                _ = await crm.ReadAsync(new CrmQuery { Email = "doctor@leadpipeline.invalid" }, token);
                return $"{crm.Provider} answers";
            }, cancellationToken),
        };
        if (services.GetKeyedService<ICrmProbe>(services.GetRequiredService<IOptions<CrmOptions>>().Value.Provider) is { } probe)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            findings.AddRange((await probe.ProbeAsync(patience.Token)).Select(f => new Finding($"crm: {f.What}", f.Well, f.Says)));
        }
        if (services.GetRequiredService<IAnalyzer>() is IAnalyzerProbe model)
            findings.Add(await ModelAsync(model, cancellationToken));
        if (services.GetService<BrokerAddress>() is { } broker)
            findings.AddRange(await BrokerCheck.RunAsync(broker, cancellationToken));
        findings.AddRange(await ClockCheck.RunAsync(services, cancellationToken));
        return findings;
    }

    private static Task<Finding> DatabaseAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        Finding.TryAsync("database", "check ConnectionStrings:Database, that the server runs, and the user's rights", async token =>
        {
            var database = services.GetRequiredService<DatabaseStart>();
            if (await database.UnknownAsync(token) is { Count: > 0 } newer)
                throw new ConfigurationException($"the tables were made by a newer version ({string.Join(", ", newer)}); run that version, or restore a backup from before it");
            await database.RunAsync(token);
            return string.IsNullOrWhiteSpace(services.GetRequiredService<IConfiguration>()["ConnectionStrings:Database"]) ? "SQLite in the data directory, tables up to date" : "PostgreSQL answers, tables up to date";
        }, cancellationToken);

    private static async Task<Finding> ModelAsync(IAnalyzerProbe probe, CancellationToken cancellationToken)
    {
        var well = true;
        var finding = await Finding.TryAsync("model", "check the way out to the network, and the Gemini settings", async token =>
        {
            (well, var says) = await probe.ProbeAsync(token);
            return says;
        }, cancellationToken);
        return finding with { Well = finding.Well && well };
    }
}
