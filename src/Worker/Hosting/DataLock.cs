namespace LeadPipeline.Worker.Hosting;

/// <summary>Keeps a second worker off the same embedded database: the queue is in the memory of one process.</summary>
public sealed class DataLock : IDisposable
{
    private readonly FileStream? held;

    private DataLock(FileStream? held) => this.held = held;

    /// <summary>Takes the directory for this process; does nothing when the state is in PostgreSQL.</summary>
    /// <exception cref="ConfigurationException">Another process has it.</exception>
    public static DataLock Take(DataOptions data, IConfiguration configuration)
    {
        if (!string.IsNullOrWhiteSpace(configuration["ConnectionStrings:Database"]))
            return new DataLock(null);
        Directory.CreateDirectory(data.Directory);
        try
        {
            return new DataLock(new FileStream(Path.Combine(data.Directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new ConfigurationException($"Data:Directory: '{data.Directory}' is in use by another LeadPipeline process; submit to that one (leadpipeline submit FILE --to http://…), or use another directory (--data DIR)");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => held?.Dispose();
}
