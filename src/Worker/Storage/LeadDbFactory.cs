using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Storage;

/// <summary>Opens the model when somebody reads through it for the first time: a worker that only works never does, and has its memory for leads.</summary>
internal sealed class LeadDbFactory(Action<DbContextOptionsBuilder> database, IServiceProvider services) : IDbContextFactory<LeadDb>
{
    private readonly Lazy<DbContextOptions<LeadDb>> options = new(() =>
    {
        var builder = new DbContextOptionsBuilder<LeadDb>().UseApplicationServiceProvider(services);
        database(builder);
        return builder.Options;
    });

    /// <inheritdoc/>
    public LeadDb CreateDbContext() => new(options.Value);
}
