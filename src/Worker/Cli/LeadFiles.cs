using System.Globalization;
using System.IO.Pipelines;

namespace LeadPipeline.Worker.Cli;

/// <summary>Opens the file that a verb was given.</summary>
internal static class LeadFiles
{
    /// <summary>The file, or standard input for <c>-</c>.</summary>
    /// <exception cref="UsageException">It is missing or cannot be read.</exception>
    public static (Stream Stream, string Name) Open(string path)
    {
        if (path == "-")
            return (StandardInput(), "-");
        try
        {
            return (new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16), Path.GetFileName(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"{path} cannot be read: {(exception is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : exception.Message)}");
        }
    }

    /// <summary>Standard input by way of a pipe: who reads the terminal itself waits for the next line, and no Ctrl-C ends that.</summary>
    private static Stream StandardInput()
    {
        var pipe = new Pipe();
        _ = Task.Run(async () =>
        {
            try
            {
                await using var input = Console.OpenStandardInput();
                await input.CopyToAsync(pipe.Writer);
                await pipe.Writer.CompleteAsync();
            }
#pragma warning disable CA1031 // Whatever it was, the reader is told.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                await pipe.Writer.CompleteAsync(exception);
            }
        });
        return pipe.Reader.AsStream();
    }

    /// <summary>Tells of the refused lines, and where they are to be corrected.</summary>
    public static void Say(RefusalLog refusals)
    {
        foreach (var line in refusals.First)
            CliOutput.Say("  " + line);
        if (refusals.Count > refusals.First.Count)
            CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"  … and {refusals.Count - refusals.First.Count} more; --json lists them all"));
        if (refusals.File is { } file)
            CliOutput.Say($"The refused lines are in {Path.GetRelativePath(Directory.GetCurrentDirectory(), file)}: correct them there, and feed that file.");
    }
}
