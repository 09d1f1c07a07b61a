using System.Text.Json;

namespace LeadPipeline.Worker.Evaluation;

/// <summary>Reads labelled leads, one JSON document a line.</summary>
public static class LabelledFile
{
    private const int MostFaults = 10;

    /// <summary>All leads of a file, in its order. A measure of half a file would be a wrong one, so that one bad line spoils it.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="time">Tells the time to documents that do not.</param>
    /// <exception cref="FormatException">Lines that are no labelled leads, the first ten of them by number; or two with one id; or none at all.</exception>
    public static IReadOnlyList<LabelledLead> Read(TextReader reader, TimeProvider time)
    {
        var (leads, faults, ids) = (new List<LabelledLead>(), new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            if (string.IsNullOrWhiteSpace(text))
                continue;
            try
            {
                using var document = JsonDocument.Parse(text);
                var lead = LabelledLead.Read(document.RootElement, line, time);
                leads.Add(ids.Add(lead.Id) ? lead : throw new FormatException($"There is another lead with the id {lead.Id}."));
            }
            catch (JsonException exception)
            {
                faults.Add($"line {line}: is not JSON: {exception.Message}");
            }
            catch (FormatException exception)
            {
                faults.Add($"line {line}: {exception.Message}");
            }
        }
        if (faults.Count > 0)
            throw new FormatException(string.Join(Environment.NewLine, faults.Take(MostFaults)) + (faults.Count > MostFaults ? $"{Environment.NewLine}and {faults.Count - MostFaults} more" : ""));
        return leads.Count > 0 ? leads : throw new FormatException("There is no lead in it.");
    }
}
