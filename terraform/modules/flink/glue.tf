# The tables of the archive for Athena. Partitions are computed from the date, so that nobody has to register them.

locals {
  tables = jsondecode(file("${path.module}/tables.json"))
}

resource "aws_glue_catalog_database" "this" {
  name        = "${replace(var.prefix, "-", "_")}_archive"
  description = "Orders, payments, stock and windows, by day"
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.this.name
  name          = each.key
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                    = "TRUE"
    classification              = "parquet"
    "projection.enabled"        = "true"
    "projection.dt.type"        = "date"
    "projection.dt.format"      = "yyyy-MM-dd"
    "projection.dt.range"       = "2026-01-01,NOW+1DAYS"
    "storage.location.template" = "${local.archive}/${each.key}/dt=$${dt}/"
  }

  partition_keys {
    name = "dt"
    type = "string"
  }

  storage_descriptor {
    location      = "${local.archive}/${each.key}/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }

    dynamic "columns" {
      for_each = each.value

      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}
