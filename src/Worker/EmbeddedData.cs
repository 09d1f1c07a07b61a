using System.Reflection;
using System.Text;

namespace LeadPipeline.Worker;

/// <summary>The data files that are compiled into the program, by file name.</summary>
internal static class EmbeddedData
{
    /// <summary>The bytes of a file.</summary>
    public static byte[] Bytes(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The data file {name} is not embedded in the program.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The lines of a file that say something: not blank, and not a comment (#).</summary>
    public static IEnumerable<string> Lines(string name) =>
        Encoding.UTF8.GetString(Bytes(name))
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#');
}
