using System.CommandLine;
using System.Text;
using LeadPipeline.Worker.Cli.Doctor;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Cli;

/// <summary>The command line. Exit codes: 0 done; 1 done, but something is not as wanted; 2 bad usage; 78 bad configuration; 130 interrupted.</summary>
public static class LeadPipelineCli
{
    /// <summary>Bad usage.</summary>
    public const int Usage = 2;

    /// <summary>Interrupted by the user.</summary>
    public const int Interrupted = 130;

    /// <summary>Runs a verb; <c>run</c> when none is given.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            RequireUnicode();
            var (rest, settings) = Settings.Take(args);
            if (rest.Length == 0 || (rest[0].StartsWith('-') && rest[0] is not ("--help" or "-h" or "-?" or "--version")))
                rest = ["run", .. rest];
            var root = new RootCommand("LeadPipeline takes leads in, judges them by evidence, and works them into the CRM.")
            {
                RunCommand.Create(settings),
                ProcessCommand.Create(settings),
                SubmitCommand.Create(),
                LeadsCommands.Create(settings),
                GroundCommand.Create(),
                PlanCommand.Create(),
                CompanyCommands.Create(settings),
                CrmCommands.Create(settings),
                AuditCommands.Create(settings),
                ApprovalCommands.Create(settings),
                DeadLetterCommands.Create(settings),
                ReviewCommands.Create(settings),
                ReplayCommand.Create(settings),
                EvalCommand.Create(settings),
                ReportCommand.Create(settings),
                DbCommands.Create(settings),
                DoctorCommand.Create(settings),
                HealthCommand.Create(settings),
            };
            var parsed = root.Parse(rest);
            if (parsed.Errors.Count > 0)
            {
                foreach (var error in parsed.Errors)
                    await Console.Error.WriteLineAsync(error.Message);
                await Console.Error.WriteLineAsync($"Try: leadpipeline {string.Join(' ', rest.TakeWhile(a => !a.StartsWith('-')).Take(1))} --help");
                return Usage;
            }
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // The library would end the process two seconds after SIGTERM, in the middle of what the host is still finishing; the host has limits of its own.
                ProcessTerminationTimeout = rest[0] == "run" ? TimeSpan.FromMinutes(12) : TimeSpan.FromSeconds(40),
            });
        }
        catch (ConfigurationException exception)
        {
            foreach (var fault in exception.Faults)
                await Console.Error.WriteLineAsync($"Configuration: {fault}");
            return ConfigurationException.ExitCode;
        }
        catch (UsageException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return Usage;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
#pragma warning disable CA1031 // A stack trace helps nobody at a prompt, and the exit codes are a promise.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync($"It did not work: {exception.GetBaseException().Message} (leadpipeline doctor says which part is not well)");
            return 1;
        }
    }

    /// <summary>Without ICU, normalisation silently does nothing, and a look-alike address would be another person.</summary>
    private static void RequireUnicode()
    {
        if ("ﬁ".Normalize(NormalizationForm.FormKC) != "fi")
            throw new ConfigurationException("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: Unicode normalisation is switched off; install ICU (Debian: libicu72) and unset the variable");
    }
}

/// <summary>The command was used in a way that cannot work; the message says how it can.</summary>
public sealed class UsageException(string message) : Exception(message);

/// <summary>Settings given on the command line as <c>--Section:Key=value</c> or <c>--Section:Key value</c>, and <c>--data DIR</c>.</summary>
internal static class Settings
{
    public static (string[] Remaining, Dictionary<string, string?> Settings) Take(string[] args)
    {
        var rest = new List<string>();
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = args[i].Split('=', 2) is [var n, var v] ? (n, v) : (args[i], null);
            var isSetting = name.StartsWith("--", StringComparison.Ordinal) && (name.Contains(':', StringComparison.Ordinal) || name.Contains("__", StringComparison.Ordinal));
            if (!isSetting && name != "--data")
            {
                rest.Add(args[i]);
                continue;
            }
            if (value is null)
            {
                if (++i >= args.Length)
                    throw new UsageException($"{name} needs a value.");
                value = args[i];
            }
            settings[isSetting ? name[2..].Replace("__", ":", StringComparison.Ordinal) : "Data:Directory"] = value;
        }
        return ([.. rest], settings);
    }
}
