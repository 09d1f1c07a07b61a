using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>companies load FILE</c> and <c>companies show DOMAIN</c>: the company directory.</summary>
internal static class CompanyCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("companies", "Loads the company directory and looks into it.") { Load(settings), Show(settings) };

    private static Command Load(Dictionary<string, string?> settings)
    {
        var file = new Argument<string>("FILE") { Description = "Companies as .csv" };
        var json = CliOutput.JsonOption();
        var command = new Command("load", "Loads companies in place of those that were loaded before; leads go on meanwhile.") { file, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(file)!;
            if (!File.Exists(path))
                throw new UsageException($"'{path}' does not exist.");
            await using var host = await OpenAsync(settings, cancellationToken);
            var companies = host.Services.GetRequiredService<CompanyFile>();
            CompanyLoad? load = null;
            if (CliOutput.IsWatched && !parsed.GetValue(json))
                await CliOutput.ProgressAsync("Companies", async report => load = await companies.LoadAsync(path, onlyIfOther: false, at => report(at.Share, $"{at.Companies} companies"), cancellationToken));
            else
                load = await companies.LoadAsync(path, onlyIfOther: false, _ => { }, cancellationToken);
            var result = ((CompanyLoad.Loaded)load!).Result;
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject
                {
                    ["companies"] = result.Companies,
                    ["removed"] = result.Removed,
                    ["faults"] = result.Faults,
                    ["firstFaults"] = new JsonArray([.. result.FirstFaults.Select(f => (JsonNode)f)]),
                });
            }
            else
            {
                CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{result.Companies} companies; {result.Removed} are no longer in the file; {result.Faults} lines are no company."));
                foreach (var fault in result.FirstFaults)
                    CliOutput.Say($"  {fault}");
            }
            return result.Faults == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Show(Dictionary<string, string?> settings)
    {
        var domain = new Argument<string>("DOMAIN") { Description = "A mail domain" };
        var command = new Command("show", "Shows what the directory knows of a company.") { domain, CliOutput.JsonOption() };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            if (await host.Services.GetRequiredService<CompanyDirectory>().FindAsync(parsed.GetValue(domain)!.Trim().ToLowerInvariant()) is not { } company)
            {
                await Console.Error.WriteLineAsync("There is no company with this domain.");
                return 1;
            }
            CliOutput.WriteJson(new JsonObject { ["enrichment"] = company.Facts, ["loadedAt"] = company.LoadedAt.ToString("O", CultureInfo.InvariantCulture) });
            return 0;
        });
        return command;
    }

    private static async Task<CliHost> OpenAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var host = new CliHost(WorkerApplication.Reader(settings));
        await host.Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
        return host;
    }
}
