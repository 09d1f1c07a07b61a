using System.Globalization;
using System.Security.Cryptography;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Evidence;

/// <summary>What came of looking at the configured file. A closed family.</summary>
public abstract record CompanyLoad
{
    private CompanyLoad() { }

    /// <summary>No file is configured.</summary>
    public sealed record None : CompanyLoad;

    /// <summary>The file is not there.</summary>
    /// <param name="File">Its path.</param>
    public sealed record Missing(string File) : CompanyLoad;

    /// <summary>It is another than at the look before, so that somebody may be writing it still: the next look will tell.</summary>
    public sealed record Settling : CompanyLoad;

    /// <summary>It is the one that is loaded.</summary>
    public sealed record Unchanged : CompanyLoad;

    /// <summary>It was loaded.</summary>
    /// <param name="Result">What was in it.</param>
    public sealed record Loaded(LoadResult Result) : CompanyLoad;
}

/// <summary>
/// Keeps the directory to its file: a file that has not been loaded is loaded, one that has is only confirmed, for which its hash is enough. What was loaded last is a
/// fact of the database (<c>meta</c>), since workers share it.
/// </summary>
public sealed partial class CompanyFile(CompanyDirectory directory, SqlDatabase database, IOptions<EnrichmentDirectoryOptions> options, TimeProvider time, ILogger<CompanyFile> logger)
{
    private const string Name = "company-directory";

    /// <summary>A line in the log for so many companies: some twenty for a million.</summary>
    private const long TellEvery = 50_000;

    private Look? looked;
    private (Look Look, string Hash)? seen;

    /// <summary>
    /// Looks at the configured file and loads it if it is another than before and was the same at two looks: at this one and the one before, or, at the first one,
    /// before and after it was read.
    /// </summary>
    public async Task<CompanyLoad> CheckAsync(CancellationToken cancellationToken)
    {
        if (options.Value.File is not { Length: > 0 } path)
            return new CompanyLoad.None();
        var file = new FileInfo(path);
        if (!file.Exists)
            return new CompanyLoad.Missing(path);
        var (before, now) = (looked, Look.At(file));
        looked = now;
        if (seen is { } same && same.Look == now)
        {
            // Another worker may have loaded the same file after us, and then the companies bear its time.
            if (await LoadedAtAsync(same.Hash, cancellationToken) is { } at)
                directory.Confirm(at);
            return new CompanyLoad.Unchanged();
        }
        if (before is not null && before != now)
            return new CompanyLoad.Settling();
        return await LoadAsync(path, onlyIfOther: true, _ => { }, cancellationToken);
    }

    /// <summary>Loads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onlyIfOther">Whether a file that was loaded before is only confirmed.</param>
    /// <param name="progress">Told now and then.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<CompanyLoad> LoadAsync(string path, bool onlyIfOther, Action<LoadProgress> progress, CancellationToken cancellationToken)
    {
        var look = Look.At(new FileInfo(path));
        await using var csv = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 64 * 1024, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(csv, cancellationToken));
        csv.Position = 0;
        if (onlyIfOther && Look.At(new FileInfo(path)) != look)
            return new CompanyLoad.Settling();
        if (onlyIfOther && await LoadedAtAsync(hash, cancellationToken) is { } known)
        {
            directory.Confirm(known);
            seen = (look, hash);
            return new CompanyLoad.Unchanged();
        }

        var loadedAt = AuditChain.Microseconds(time.GetUtcNow());
        var told = 0L;
        var result = await directory.LoadAsync(csv, loadedAt, at =>
        {
            progress(at);
            if (at.Companies - told < TellEvery)
                return;
            told = at.Companies;
            Log.Loading(logger, at.Companies, (int)(at.Share * 100));
        }, cancellationToken);
        await RememberAsync(hash, loadedAt, cancellationToken);
        directory.Confirm(await LoadedAtAsync(hash, cancellationToken) ?? loadedAt);
        seen = (look, hash);
        foreach (var fault in result.FirstFaults)
            Log.NoCompany(logger, fault);
        if (result.Faults > result.FirstFaults.Count)
            Log.NoCompany(logger, string.Create(CultureInfo.InvariantCulture, $"and {result.Faults - result.FirstFaults.Count} more lines"));
        Log.Companies(logger, result.Companies, result.Removed);
        return new CompanyLoad.Loaded(result);
    }

    private async Task<DateTimeOffset?> LoadedAtAsync(string hash, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync("SELECT value FROM meta WHERE name = @name", r => r.GetString(0), cancellationToken, ("name", Name));
        return found is [var value] && value.Split(' ') is [var of, var at] && of == hash ? DateTimeOffset.Parse(at, CultureInfo.InvariantCulture) : null;
    }

    /// <summary>In one statement, and never over a later load of another worker: the companies bear the later time as well.</summary>
    private async Task RememberAsync(string hash, DateTimeOffset loadedAt, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        // Behind a hash of 64 digits and a space; the times are of one length and one zone, so that they sort as text.
        _ = await session.ExecuteAsync(
            "INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE substr(meta.value, 66) <= substr(excluded.value, 66)",
            cancellationToken, ("name", Name), ("value", $"{hash} {loadedAt.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)}"));
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>A file as it is at one time; two that are the same are of one content, as far as can be told without reading.</summary>
    private sealed record Look(long Length, DateTime Written)
    {
        public static Look At(FileInfo file) => new(file.Length, file.LastWriteTimeUtc);
    }

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Information, "Company directory: {Count} companies ({Removed} are no longer in the file)")]
        public static partial void Companies(ILogger logger, long count, long removed);

        [LoggerMessage(4, LogLevel.Warning, "Company directory: {Error}")]
        public static partial void NoCompany(ILogger logger, string error);

        [LoggerMessage(5, LogLevel.Information, "Company directory: {Count} companies so far ({Percent} %)")]
        public static partial void Loading(ILogger logger, long count, int percent);
    }
}
