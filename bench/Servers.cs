using System.Globalization;
using System.Text.RegularExpressions;

namespace LeadPipeline.Bench;

/// <summary>The servers' processes and log, which <c>servers.sh</c> leaves in its folder; nothing of it when they run in Docker.</summary>
internal static partial class Servers
{
    private static string Folder => Environment.GetEnvironmentVariable("LEADPIPELINE_SERVERS_DIR") ?? "";

    public static int? Database => Recorded("pg");

    public static int? Broker => Recorded("mq");

    /// <summary>Where the database's log ends now; null when it cannot be read.</summary>
    public static long? LogEnd => File.Exists(LogPath) ? new FileInfo(LogPath).Length : null;

    /// <summary>Statements logged since a place, with the time that the server took for them, the dearest first.</summary>
    public static List<(string Statement, int Count, double Milliseconds)> Logged(long from)
    {
        using var log = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Position = from;
        using var reader = new StreamReader(log);
        var found = new Dictionary<string, (int Count, double Milliseconds)>();
        while (reader.ReadLine() is { } line)
        {
            if (Statement().Match(line) is not { Success: true } match)
                continue;
            var text = Columns().Replace(match.Groups["sql"].Value, "… ");
            var name = text.Length > 90 ? text[..90] : text;
            // One statement is logged up to three times: parsed, bound, executed.
            var (count, milliseconds) = found.GetValueOrDefault(name);
            found[name] = (
                count + (match.Groups["what"].Value is "parse" or "bind" ? 0 : 1),
                milliseconds + double.Parse(match.Groups["ms"].ValueSpan, CultureInfo.InvariantCulture));
        }
        return [.. found.OrderByDescending(f => f.Value.Milliseconds).Select(f => (f.Key, f.Value.Count, f.Value.Milliseconds))];
    }

    private static string LogPath => Path.Combine(Folder, "pg.log");

    private static int? Recorded(string name)
    {
        var path = Path.Combine(Folder, name + ".pid");
        return File.Exists(path) ? int.Parse(File.ReadAllText(path).Split(' ')[0], CultureInfo.InvariantCulture) : null;
    }

    [GeneratedRegex(@"(?<=^SELECT ).*?(?=FROM )|\(.*?(?=FROM unnest)|(?<=^UPDATE \w+ AS t SET ).*?(?=FROM unnest)")]
    private static partial Regex Columns();

    [GeneratedRegex("LOG:  duration: (?<ms>[0-9.]+) ms  (?<what>parse|bind|execute|statement)[^:]*: (?<sql>.*)")]
    private static partial Regex Statement();
}
