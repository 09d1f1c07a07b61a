using System.Globalization;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Cli;

/// <summary>Opens the file that a verb was given.</summary>
internal static class LeadFiles
{
    /// <summary>The file, or standard input for <c>-</c>.</summary>
    /// <exception cref="UsageException">It is missing or cannot be read.</exception>
    public static (Stream Stream, string Name) Open(string path)
    {
        if (path == "-")
            return (Console.OpenStandardInput(), "-");
        try
        {
            return (new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16), Path.GetFileName(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"{path} cannot be read: {(exception is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : exception.Message)}");
        }
    }

    /// <summary>A refused line in words.</summary>
    public static string Describe(int line, IEnumerable<FieldError> errors) =>
        string.Create(CultureInfo.InvariantCulture, $"line {line}: {string.Join("; ", errors.Select(e => e.ToString()))}");
}
