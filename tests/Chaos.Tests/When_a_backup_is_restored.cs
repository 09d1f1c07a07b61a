using System.Text;
using LeadPipeline.TestKit.Simulators.HubSpot;
using RabbitMQ.Client;

namespace LeadPipeline.Chaos.Tests;

/// <summary>A database that goes back in time beside a broker and a CRM that do not.</summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_a_backup_is_restored
{
    [Test]
    public async Task Should_do_nothing_twice_for_leads_that_the_database_has_forgotten()
    {
        await using var state = await ServedState.CreateAsync();
        await using var crm = await HubSpotSimulator.StartAsync();
        (string, string)[] settings = [("CRM_PROVIDER", "HUBSPOT"), ("HubSpot__BaseUrl", crm.Address.ToString()), ("HUBSPOT_ACCESS_TOKEN", crm.Token), ("HubSpot__CallsPerTenSeconds", "0"), ("Messaging__ResendAfter", "00:00:05")];
        var file = state.Folder["backup.dump"];
        var database = new Dictionary<string, string> { ["ConnectionStrings__Database"] = state.Database.ConnectionString };
        var accepted = new List<Guid>();
        await using (var worker = await state.StartAsync(settings))
        {
            accepted.AddRange(await PostAsync(worker, 0, 20));
            await UntilAsync(state, 20);
            var (saved, said) = await OpsScript.RunAsync("backup.sh", database, file);
            Assert.That(saved, Is.Zero, said);

            accepted.AddRange(await PostAsync(worker, 20, 40));
            await UntilAsync(state, 40);
            var (refused, why) = await OpsScript.RunAsync("restore.sh", database, file, "--yes");
            Assert.That(why, Does.Contain("alive"));
            Assert.That(refused, Is.EqualTo(1), "not under a living worker");
            _ = await worker.Process.StopAsync();
        }
        // On its way when the database went back.
        for (var i = 40; i < 45; i++)
            await state.Broker.PublishAsync("", "lead-intake", Encoding.UTF8.GetBytes(GeneratedLeads.Lead(i).ToJsonString()), new BasicProperties { ContentType = "application/json" });
        var made = crm.Effects.Count;

        var (code, output) = await OpsScript.RunAsync("restore.sh", database, file, "--yes");
        await using var again = await state.StartAsync(settings);
        await UntilAsync(state, 25);
        var forgotten = await PostAsync(again, 20, 40);
        await UntilAsync(state, 45);

        var oracle = new ChaosOracle(state, crm, forgot: true);
        await Eventually.ShouldAsync(() => oracle.IsQuietAsync(45), "come to rest");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero, output);
            Assert.That(forgotten, Is.EqualTo(accepted[20..]), "the same ids");
            Assert.That(made, Is.GreaterThan(40), "the CRM had not forgotten");
            Assert.That(await oracle.BrokenAsync(accepted), Is.Empty);
        }
    }

    [Test]
    public async Task Should_bring_back_an_embedded_database()
    {
        using var folder = new TempFolder();
        var none = new Dictionary<string, string> { ["ConnectionStrings__Database"] = "", ["DATABASE_URL"] = "" };
        await File.WriteAllTextAsync(folder["leads.jsonl"], GeneratedLeads.Lines(5));
        var (processed, _, _) = await Cli.RunAsync(["process", folder["leads.jsonl"], "--json"], folder.Path);
        var (saved, said) = await OpsScript.RunAsync("backup.sh", none, folder["copy.db"], "--data", folder.Path);
        await File.WriteAllTextAsync(folder["more.jsonl"], GeneratedLeads.Lead(7).ToJsonString());
        _ = await Cli.RunAsync(["process", folder["more.jsonl"], "--json"], folder.Path);

        var (code, output) = await OpsScript.RunAsync("restore.sh", none, folder["copy.db"], "--yes", "--data", folder.Path);

        var (verified, audit) = await Cli.JsonAsync(["audit", "verify", "--json"], folder.Path);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((processed, saved, code), Is.EqualTo((0, 0, 0)), said + output);
            Assert.That((verified, audit!["leads"]!.GetValue<int>(), audit["problems"]!.AsArray().Count), Is.EqualTo((0, 5, 0)));
        }
    }

    private static async Task<List<Guid>> PostAsync(RunningWorker worker, int from, int to)
    {
        using var answer = await worker.PostAsync("[" + string.Join(',', Enumerable.Range(from, to - from).Select(n => GeneratedLeads.Lead(n).ToJsonString())) + "]", trusted: true);
        return [.. (await answer.JsonAsync())["results"]!.AsArray().Select(r => Guid.Parse(r!["leadId"]!.GetValue<string>()))];
    }

    private static Task UntilAsync(ServedState state, int leads) => Eventually.ShouldAsync(
        async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL") == leads, $"finish {leads} leads");
}
