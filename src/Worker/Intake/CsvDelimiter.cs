namespace LeadPipeline.Worker.Intake;

/// <summary>Tells what a CSV file parts its fields with. Pure.</summary>
internal static class CsvDelimiter
{
    private const string Known = ",;\t|";
    private const int MostLines = 20;

    /// <summary>
    /// The sign that parts the first lines into equally many fields; of several, the one that parts the first line into most. A heading such as
    /// <c>Name (first, last);E-mail</c> holds other signs too, but the lines below do not hold them as often.
    /// </summary>
    /// <param name="head">The beginning of the file.</param>
    /// <param name="isAll">Whether that is the whole file; if not, its last line may be torn.</param>
    public static char Guess(ReadOnlySpan<char> head, bool isAll)
    {
        Span<int> first = stackalloc int[Known.Length], alike = stackalloc int[Known.Length], now = stackalloc int[Known.Length];
        var (quoted, lines, isBlank) = (false, 0, true);
        for (var i = 0; i <= head.Length && lines < MostLines; i++)
        {
            if (i == head.Length ? isAll || lines == 0 : !quoted && (head[i] is '\n' or '\r'))
            {
                if (!isBlank)
                    Count(first, alike, now, lines++);
                now.Clear();
                isBlank = true;
            }
            else if (i < head.Length)
            {
                isBlank &= char.IsWhiteSpace(head[i]) && head[i] != '\t';
                if (head[i] == '"')
                    quoted = !quoted;
                else if (!quoted && Known.IndexOf(head[i]) is >= 0 and var sign)
                    now[sign]++;
            }
        }
        var best = -1;
        for (var sign = 0; sign < Known.Length; sign++)
        {
            if (first[sign] > 0 && (best < 0 || alike[sign] > alike[best] || (alike[sign] == alike[best] && first[sign] > first[best])))
                best = sign;
        }
        return best < 0 ? ',' : Known[best];
    }

    private static void Count(Span<int> first, Span<int> alike, ReadOnlySpan<int> now, int line)
    {
        for (var sign = 0; sign < now.Length; sign++)
        {
            if (line == 0)
                first[sign] = now[sign];
            else if (now[sign] == first[sign])
                alike[sign]++;
        }
    }
}
