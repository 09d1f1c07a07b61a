using System.Globalization;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Days in a spreadsheet's columns. <c>2026-02-01</c> and <c>1.2.2026</c> say what they mean; <c>1/2/2026</c> is the first of February in one country and the
/// second of January in another. The column decides: if any of its values can only be read one way, all are read so. If none can, nobody knows,
/// and that is said.
/// </summary>
internal sealed partial class CsvDates
{
    private readonly Dictionary<int, Evidence> columns = [];

    /// <summary>What a column's values prove about the order of day and month.</summary>
    private sealed class Evidence
    {
        public bool DayFirst { get; set; }
        public bool MonthFirst { get; set; }
    }

    /// <summary>What came of a value.</summary>
    /// <param name="Iso">The ISO form; the value itself when it is no date of ours, for the reader to judge. Null: it cannot be told.</param>
    /// <param name="Error">Why it cannot be a date at all.</param>
    public readonly record struct Reading(string? Iso, string? Error = null);

    /// <summary>Takes a value into account.</summary>
    public void Learn(int column, string value)
    {
        if (Written().Match(value) is not { Success: true } date || date.Groups["sign"].Value == ".")
            return;
        var (a, b) = (Number(date, "a"), Number(date, "b"));
        if (!columns.TryGetValue(column, out var evidence))
            columns[column] = evidence = new();
        evidence.DayFirst |= a is > 12 and <= 31 && b is >= 1 and <= 12;
        evidence.MonthFirst |= b is > 12 and <= 31 && a is >= 1 and <= 12;
    }

    /// <summary>Reads a value.</summary>
    public Reading Read(int column, string value)
    {
        if (YearFirst().Match(value) is { Success: true } iso)
            return Iso(Number(iso, "y"), Number(iso, "m"), Number(iso, "d"), iso);
        if (Written().Match(value) is not { Success: true } date)
            return new Reading(value.Trim());
        var (a, b, year) = (Number(date, "a"), Number(date, "b"), Number(date, "y"));
        if (date.Groups["sign"].Value == ".")
            return Iso(year, b, a, date);
        if (a > 12 || a == b)
            return Iso(year, b, a, date);
        if (b > 12)
            return Iso(year, a, b, date);
        return columns.GetValueOrDefault(column) switch
        {
            { DayFirst: true, MonthFirst: false } => Iso(year, b, a, date),
            { DayFirst: false, MonthFirst: true } => Iso(year, a, b, date),
            _ => new Reading(null),
        };
    }

    private static Reading Iso(int year, int month, int day, Match match)
    {
        var hour = match.Groups["h"].Success ? Number(match, "h") : 0;
        hour = match.Groups["half"].Value.ToUpperInvariant() switch { "AM" when hour == 12 => 0, "PM" when hour < 12 => hour + 12, _ => hour };
        var (minute, second) = (Number(match, "min"), Number(match, "s"));
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
            return new Reading(null, "a day or time that does not exist");
        return new Reading(match.Groups["h"].Success
            ? string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}T{hour:00}:{minute:00}:{second:00}Z")
            : string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}"));
    }

    private static int Number(Match match, string group) =>
        match.Groups[group].Success ? int.Parse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

    private const string Time = @"(?:[ T,]+(?<h>[0-9]{1,2}):(?<min>[0-9]{2})(?::(?<s>[0-9]{2}))?(?:\s*(?<half>[AaPp][Mm]))?)?\s*\z";

    [GeneratedRegex(@"\A\s*(?<a>[0-9]{1,2})\s*(?<sign>[./-])\s*(?<b>[0-9]{1,2})\s*\k<sign>\s*(?<y>[0-9]{4})" + Time, RegexOptions.CultureInvariant)]
    private static partial Regex Written();

    [GeneratedRegex(@"\A\s*(?<y>[0-9]{4})[./](?<m>[0-9]{1,2})[./](?<d>[0-9]{1,2})" + Time, RegexOptions.CultureInvariant)]
    private static partial Regex YearFirst();
}
