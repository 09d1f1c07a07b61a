using System.Runtime.CompilerServices;
using System.Text;

namespace LeadPipeline.TestKit;

/// <summary>
/// Holds a text to the approved one in the calling project's folder <c>Approved</c>, so that what others rely on
/// changes only where a reviewer sees it.
/// </summary>
public static class Approved
{
    /// <summary>
    /// Compares with <c>Approved/{name}.approved.txt</c>. When they differ it leaves <c>{name}.received.txt</c> beside
    /// it and throws; approving is for a person to do, by moving the one over the other.
    /// </summary>
    /// <param name="name">The file's name without its ending.</param>
    /// <param name="text">The text as it is now.</param>
    /// <param name="caller">Filled in by the compiler.</param>
    public static void Matches(string name, string text, [CallerFilePath] string caller = "")
    {
        ArgumentNullException.ThrowIfNull(text);
        var folder = Path.Combine(ProjectOf(caller), "Approved");
        var approvedFile = Path.Combine(folder, name + ".approved.txt");
        var receivedFile = Path.Combine(folder, name + ".received.txt");
        var received = Normalize(text);
        var approved = File.Exists(approvedFile) ? Normalize(File.ReadAllText(approvedFile)) : null;
        if (approved == received)
        {
            File.Delete(receivedFile);
            return;
        }

        Directory.CreateDirectory(folder);
        File.WriteAllText(receivedFile, received);
        throw new NotApprovedException(
            $"'{name}' is not as approved (- approved, + received):\n{Difference(approved ?? "", received)}\n" +
            $"If the new text is right: mv '{receivedFile}' '{approvedFile}'");
    }

    private static string ProjectOf(string sourceFile)
    {
        for (var folder = Path.GetDirectoryName(sourceFile); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.csproj").Any())
                return folder;
        }

        throw new InvalidOperationException($"No project above '{sourceFile}': run the tests on the machine that built them.");
    }

    // Git and editors may change line endings and the last one; neither is what a test is about.
    private static string Normalize(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";

    // The lines of a longest common subsequence stay; the others are told with a sign, and three lines around them.
    private static string Difference(string approved, string received)
    {
        const int Around = 3;
        var lines = Compare(approved.Split('\n'), received.Split('\n'));
        var shown = new bool[lines.Count];
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i][0] == ' ')
                continue;

            for (var near = Math.Max(0, i - Around); near <= Math.Min(lines.Count - 1, i + Around); near++)
                shown[near] = true;
        }

        var text = new StringBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            if (shown[i])
                text.Append(lines[i]).Append('\n');
            else if (i == 0 || shown[i - 1])
                text.Append("  …\n");
        }

        return text.ToString();
    }

    private static List<string> Compare(string[] before, string[] after)
    {
        var common = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
                common[i, j] = before[i] == after[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var lines = new List<string>();
        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            if (i < before.Length && j < after.Length && before[i] == after[j])
            {
                lines.Add("  " + before[i++]);
                j++;
            }
            else if (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]))
            {
                lines.Add("- " + before[i++]);
            }
            else
            {
                lines.Add("+ " + after[j++]);
            }
        }

        return lines;
    }
}

/// <summary>A text differs from the approved one.</summary>
public sealed class NotApprovedException(string message) : Exception(message);
