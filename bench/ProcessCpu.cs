using System.Globalization;

namespace LeadPipeline.Bench;

/// <summary>CPU time of process trees, from Linux's <c>/proc</c>.</summary>
internal static class ProcessCpu
{
    // sysconf(_SC_CLK_TCK); 100 on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>CPU seconds of a process and all below it, children that have ended included; null when there is no such process here.</summary>
    public static double? OfTree(int? root)
    {
        if (root is not { } top || !Directory.Exists($"/proc/{top}"))
            return null;
        var stats = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(n => int.TryParse(n, CultureInfo.InvariantCulture, out _)).Select(n => Read($"/proc/{n}/stat")).OfType<Stat>().ToList();
        var below = stats.ToLookup(s => s.Parent);
        return Sum(stats.FirstOrDefault(s => s.Id == top)) / TicksPerSecond;

        double Sum(Stat? stat) => stat is null ? 0 : stat.Ticks + below[stat.Id].Sum(Sum);
    }

    /// <summary>CPU seconds that all processes of the machine have used.</summary>
    public static double OfMachine()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user, nice, system, then idle and waiting, which are not work, then interrupts.
        int[] busy = [1, 2, 3, 6, 7];
        return busy.Sum(i => double.Parse(fields[i], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>The most memory that a process ever had, in megabytes.</summary>
    public static double? PeakMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    private static Stat? Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            // The name may hold blanks and brackets; what follows its last bracket is regular.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            var ticks = Enumerable.Range(11, 4).Sum(i => double.Parse(fields[i], CultureInfo.InvariantCulture));
            return new Stat(int.Parse(text[..text.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture), int.Parse(fields[1], CultureInfo.InvariantCulture), ticks);
        }
        catch (IOException)
        {
            // It has just ended.
            return null;
        }
    }

    private sealed record Stat(int Id, int Parent, double Ticks);
}
