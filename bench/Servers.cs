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

    /// <summary>Statements logged since a place, the commonest first.</summary>
    public static List<(string Statement, int Count)> Logged(long from)
    {
        using var log = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Position = from;
        using var reader = new StreamReader(log);
        var counts = new Dictionary<string, int>();
        while (reader.ReadLine() is { } line)
        {
            if (Statement().Match(line) is { Success: true } match)
            {
                var text = match.Groups["sql"].Value;
                var name = text.Length > 90 ? text[..90] : text;
                counts[name] = counts.GetValueOrDefault(name) + 1;
            }
        }
        return [.. counts.OrderByDescending(c => c.Value).Select(c => (c.Key, c.Value))];
    }

    private static string LogPath => Path.Combine(Folder, "pg.log");

    private static int? Recorded(string name)
    {
        var path = Path.Combine(Folder, name + ".pid");
        return File.Exists(path) ? int.Parse(File.ReadAllText(path).Split(' ')[0], CultureInfo.InvariantCulture) : null;
    }

    [GeneratedRegex("LOG:  (statement|execute [^:]*): (?<sql>.*)")]
    private static partial Regex Statement();
}
