using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>db migrate</c>.</summary>
internal static class DbCommands
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var json = CliOutput.JsonOption();
        var migrate = new Command("migrate", "Makes or updates the tables.") { json };
        migrate.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var database = host.Services.GetRequiredService<DatabaseStart>();
            var pending = await database.PendingAsync(cancellationToken);
            await database.MigrateAsync(cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["applied"] = new JsonArray([.. pending.Select(p => (JsonNode)p)]) });
            else
                CliOutput.Say(pending.Count == 0 ? "The tables are up to date." : $"Applied: {string.Join(", ", pending)}.");
            return 0;
        });
        return new Command("db", "Looks after the database.") { migrate };
    }
}
