using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>keys rewrap</c>.</summary>
internal static class KeyCommands
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var json = CliOutput.JsonOption();
        var rewrap = new Command("rewrap", "Wraps every lead's key with the master key in force. The old one has to be among Encryption:OtherMasterKeys.") { json };
        rewrap.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            await host.Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
            var count = await host.Services.GetRequiredService<KeyRewrapping>().RunAsync(cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["rewrapped"] = count.Done, ["before"] = count.Before, ["unreadable"] = count.Unreadable });
            else
                CliOutput.Say($"{count.Done} keys are wrapped with this master key now, {count.Before} were before{(count.Unreadable > 0 ? $", {count.Unreadable} can be read with no key that is known here" : "")}.");
            return count.Unreadable == 0 ? 0 : 1;
        });
        return new Command("keys", "Looks after the keys that leads are sealed with.") { rewrap };
    }
}
