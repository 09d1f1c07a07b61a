using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Planning;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Cli;

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
            var configuration = host.Services.GetRequiredService<IConfiguration>();
            var findings = new List<(string What, bool Well, string Says)>
            {
                await TryAsync("database", "check ConnectionStrings:Database, that the server runs, and the user's rights", async token =>
                {
                    await host.Services.GetRequiredService<DatabaseStart>().RunAsync(token);
                    return string.IsNullOrWhiteSpace(configuration["ConnectionStrings:Database"]) ? "SQLite in the data directory, tables up to date" : "PostgreSQL answers, tables up to date";
                }, cancellationToken),
                await TryAsync("policy", "correct the policy file", _ =>
                {
                    var policy = host.Services.GetRequiredService<PolicyInForce>().Policy;
                    return Task.FromResult($"{policy.Identity.Name}, {policy.Plans.Count} plans");
                }, cancellationToken),
                await TryAsync("webhooks", "correct the mapping file, or the setting", _ =>
                {
                    var ready = host.Services.GetRequiredService<WebhookSources>().Ready;
                    return Task.FromResult(ready.Count == 0 ? "no sender has a secret" : $"ready for {string.Join(", ", ready)}");
                }, cancellationToken),
                await TryAsync("crm", "check CRM_PROVIDER and its credentials", async token =>
                {
                    var crm = host.Services.GetRequiredService<ICrm>();
                    _ = await crm.ReadAsync(new CrmQuery { Email = "doctor@leadpipeline.invalid" }, token);
                    return $"{crm.Provider} answers";
                }, cancellationToken),
            };
            if (host.Services.GetKeyedService<ICrmProbe>(host.Services.GetRequiredService<IOptions<CrmOptions>>().Value.Provider) is { } probe)
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                patience.CancelAfter(Patience);
                findings.AddRange((await probe.ProbeAsync(patience.Token)).Select(f => ($"crm: {f.What}", f.Well, f.Says)));
            }
            if (host.Services.GetRequiredService<IAnalyzer>() is IAnalyzerProbe model)
                findings.Add(await ModelAsync(model, cancellationToken));
            if (host.Services.GetService<BrokerAddress>() is { } broker)
                findings.Add(await TryAsync("broker", "check ConnectionStrings:Broker, that the server runs, and the user's rights on the virtual host", token => BrokerAsync(broker, token), cancellationToken));

            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["checks"] = new JsonArray([.. findings.Select(f => (JsonNode)new JsonObject { ["check"] = f.What, ["ok"] = f.Well, ["says"] = f.Says })]) });
            else
                foreach (var (what, well, says) in findings)
                    CliOutput.Say($"{(well ? "ok  " : "FAIL")}  {what,-10} {says}");
            return findings.TrueForAll(f => f.Well) ? 0 : 1;
        });
        return command;
    }

    private static async Task<(string, bool, string)> TryAsync(string what, string remedy, Func<CancellationToken, Task<string>> check, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return (what, true, await check(limit.Token).WaitAsync(limit.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (what, false, $"no answer within {Patience.TotalSeconds} s; {remedy}");
        }
#pragma warning disable CA1031 // Finding out what is wrong is the point.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return (what, false, $"{exception.GetBaseException().Message.TrimEnd('.')}; {remedy}");
        }
    }

    private static async Task<(string, bool, string)> ModelAsync(IAnalyzerProbe probe, CancellationToken cancellationToken)
    {
        var well = true;
        var finding = await TryAsync("model", "check the way out to the network, and the Gemini settings", async token =>
        {
            (well, var says) = await probe.ProbeAsync(token);
            return says;
        }, cancellationToken);
        return finding with { Item2 = finding.Item2 && well };
    }

    private static async Task<string> BrokerAsync(BrokerAddress broker, CancellationToken cancellationToken)
    {
        await using var connection = await broker.Factory("leadpipeline doctor").CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        // A name of the server's own, gone with the channel: it only shows that we may declare and publish.
        var queue = await channel.QueueDeclareAsync(durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellationToken);
        await channel.BasicPublishAsync("", queue.QueueName, ReadOnlyMemory<byte>.Empty, cancellationToken);
        return $"RabbitMQ at {broker} answers and lets us declare and publish";
    }
}
