using System.Text;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Facts about mail domains that need no network: the lists of free and of throw-away providers.</summary>
public static class EmailDomains
{
    private static readonly Lazy<SortedLines> Free = new(() => new SortedLines("free-email-domains.txt"));
    private static readonly Lazy<SortedLines> Disposable = new(() => new SortedLines("disposable-email-domains.txt"));

    /// <summary>The lower-case domain of an address, or null when it has none.</summary>
    public static string? Of(string? email)
    {
        if (email is null)
            return null;
        var at = email.LastIndexOf('@');
        var domain = at < 1 ? "" : email[(at + 1)..].Trim().TrimEnd('.').ToLowerInvariant();
        return domain.Length == 0 ? null : domain;
    }

    /// <summary>Whether anybody can have an address there, so that the domain says nothing about a company.</summary>
    public static bool IsFree(string domain) => Free.Value.Contains(domain);

    /// <summary>Whether the domain, or a parent of it, hands out throw-away mailboxes.</summary>
    public static bool IsDisposable(string domain)
    {
        for (var rest = domain; rest.Contains('.'); rest = rest[(rest.IndexOf('.') + 1)..])
        {
            if (Disposable.Value.Contains(rest))
                return true;
        }
        return false;
    }

    /// <summary>
    /// Lines in byte order, searched where they lie: nothing has to be built at start, and the lists may grow to any size.
    /// </summary>
    private sealed class SortedLines(string file)
    {
        private readonly byte[] data = EmbeddedData.Bytes(file);

        public bool Contains(string line)
        {
            var wanted = Encoding.UTF8.GetBytes(line).AsSpan();
            var (low, high) = (0, data.Length);
            while (low < high)
            {
                var middle = (low + high) / 2;
                var start = data.AsSpan(low, middle - low).LastIndexOf((byte)'\n') is var newline and >= 0 ? low + newline + 1 : low;
                var length = data.AsSpan(start).IndexOf((byte)'\n');
                var found = length < 0 ? data.AsSpan(start) : data.AsSpan(start, length);
                var order = found.SequenceCompareTo(wanted);
                if (order == 0)
                    return true;
                if (order < 0)
                    low = start + found.Length + 1;
                else
                    high = start;
            }
            return false;
        }
    }
}
