using LeadPipeline.Worker.Hosting;
using Npgsql;

namespace LeadPipeline.Worker.Tests.Hosting;

public sealed class PostgresAddressTests
{
    [TestCase("disable", SslMode.Disable)]
    [TestCase("prefer", SslMode.Prefer)]
    [TestCase("require", SslMode.Require)]
    [TestCase("verify-ca", SslMode.VerifyCA)]
    [TestCase("verify-full", SslMode.VerifyFull)]
    [TestCase("VerifyFull", SslMode.VerifyFull)]
    public void Should_take_the_modes_of_tls_as_addresses_write_them(string written, SslMode mode)
    {
        var address = PostgresAddress.Parse($"postgresql://leads:p%40ss@db.example:6432/crm?sslmode={written}&Timeout=5");

        var read = new NpgsqlConnectionStringBuilder(address);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.SslMode, Is.EqualTo(mode));
            Assert.That((read.Host, read.Port, read.Database, read.Username, read.Password, read.Timeout), Is.EqualTo(("db.example", 6432, "crm", "leads", "p@ss", 5)));
        }
    }

    [TestCase("postgresql://leads:s3cret@db.example/crm?sslmode=verify-fully")]
    [TestCase("postgresql://leads:s3cret@db.example/crm?sslmodus=require")]
    [TestCase("postgresql://leads:s3cret@")]
    [TestCase("Hostt=db.example;Password=s3cret")]
    [TestCase("s3cret")]
    public void Should_refuse_what_is_no_address_without_repeating_it(string text)
    {
        Assert.That(() => PostgresAddress.Parse(text), Throws.TypeOf<FormatException>().With.Message.Not.Contains("s3cret").And.Property(nameof(Exception.InnerException)).Null);
    }
}
